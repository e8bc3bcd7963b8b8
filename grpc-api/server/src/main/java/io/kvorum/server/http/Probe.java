package io.kvorum.server.http;

import io.kvorum.protocol.Outcome;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** What the pages ask of the member, and what they tell of their answers. */
public interface Probe {
  /** The smallest read there is, with or without a quorum. */
  CompletionStage<? extends Outcome<?>> read(boolean serializable);

  boolean hasLeader();

  boolean isLearner();

  /** The types of the alarms that are raised, by their names or numbers. */
  List<String> alarms();

  /** For example {@code 3.7.0}; empty until decided. */
  String clusterVersion();

  /** {@code /health} was answered. */
  void healthAnswered(boolean healthy);

  /** A check of {@code /livez} or {@code /readyz} ran. */
  void checkRan(String page, String check, boolean success);
}
