package io.kvorum.server;

import com.google.protobuf.ByteString;
import io.kvorum.actors.group.Alarms;
import io.kvorum.actors.group.Group;
import io.kvorum.actors.raft.membership.Standing;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.server.http.Probe;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** What the health pages see of the group. */
final class MemberProbe implements Probe {
  /** Reads one key that hardly anybody has; the way to it is what is probed. */
  private static final RangeRequest PROBE =
      RangeRequest.newBuilder()
          .setKey(ByteString.copyFrom(new byte[] {0}))
          .setKeysOnly(true)
          .setLimit(1)
          .build();

  private final Group group;
  private final Reads reads;
  private final RpcMetrics metrics;

  MemberProbe(Group group, Reads reads, RpcMetrics metrics) {
    this.group = group;
    this.reads = reads;
    this.metrics = metrics;
  }

  @Override
  public CompletionStage<? extends Outcome<?>> read(boolean serializable) {
    return reads.read(serializable, view -> view.range(PROBE));
  }

  @Override
  public boolean hasLeader() {
    return !group.leader().equals(MemberId.NONE);
  }

  @Override
  public boolean isLearner() {
    return group.standing() == Standing.LEARNER;
  }

  @Override
  public List<String> alarms() {
    return group.alarms().list().stream().map(Alarms::nameOf).toList();
  }

  @Override
  public String clusterVersion() {
    return group.status().clusterVersion();
  }

  @Override
  public void healthAnswered(boolean healthy) {
    metrics.healthAnswered(healthy);
  }

  @Override
  public void checkRan(String page, String check, boolean success) {
    metrics.checkRan(page, check, success);
  }
}
