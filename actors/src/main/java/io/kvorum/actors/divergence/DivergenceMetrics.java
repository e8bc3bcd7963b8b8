package io.kvorum.actors.divergence;

import io.kvorum.actors.telemetry.Counter;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.protocol.MemberId;
import java.util.Map;

/**
 * What the comparison has come to; etcd has no such figures. Of the leader alone, members named by
 * their id in hex.
 */
final class DivergenceMetrics {
  private final Telemetry telemetry;

  /** How often members were found to differ, repetitions included. */
  final Counter found;

  DivergenceMetrics(Telemetry telemetry) {
    this.telemetry = telemetry;
    this.found = telemetry.counter("kvorum_divergence_found_total", Map.of());
  }

  /**
   * @param agreed up to which revision the member is known to hold the same as the leader
   * @param differing from which on it does not; 0 while it does
   */
  void compared(MemberId member, long agreed, long differing) {
    Map<String, String> tags = Map.of("member", member.toString());
    telemetry.gauge("kvorum_divergence_agreed_revision", tags).set(agreed);
    telemetry.gauge("kvorum_divergence_first_revision", tags).set(differing);
  }
}
