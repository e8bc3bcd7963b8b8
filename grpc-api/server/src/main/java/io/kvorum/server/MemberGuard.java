package io.kvorum.server;

import io.grpc.Status;
import io.kvorum.actors.group.Group;
import io.kvorum.actors.group.GroupStatus;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.server.grpc.CallGuard;
import io.kvorum.server.grpc.CallHeaders;
import io.kvorum.server.grpc.OpenStreams;
import io.kvorum.server.grpc.RpcType;
import java.time.Duration;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.actor.typed.ActorSystem;
import org.jspecify.annotations.Nullable;

/**
 * What this member refuses for the state it is in, in etcd's order: as a learner, for metadata it
 * cannot read, and for want of a leader where the client asked for one. Streams that asked are also
 * ended when the leader has been gone for {@value #LEADERLESS_TICKS_MAX} election timeouts.
 */
final class MemberGuard implements CallGuard {
  private static final int LEADERLESS_TICKS_MAX = 3;
  private static final String UNKNOWN_VERSION = "unknown";

  private final Group group;
  private final RpcMetrics metrics;
  private final OpenStreams streams;
  private int leaderlessTicks;

  MemberGuard(Group group, RpcMetrics metrics, OpenStreams streams) {
    this.group = group;
    this.metrics = metrics;
    this.streams = streams;
  }

  /** Looks for a leader once per election timeout until cancelled. */
  Cancellable start(ActorSystem<?> system, Duration electionTimeout) {
    return system
        .scheduler()
        .scheduleAtFixedRate(
            electionTimeout, electionTimeout, this::tick, system.executionContext());
  }

  @Override
  public @Nullable Status refusal(CallHeaders headers, RpcType type, boolean servedByLearner) {
    GroupStatus status = group.status();
    if (status.learner() && !servedByLearner) {
      return EtcdError.NOT_SUPPORTED_FOR_LEARNER.status();
    }
    String version = headers.clientApiVersion();
    if (version != null && !isText(version)) {
      return EtcdError.INVALID_CLIENT_API_VERSION.status();
    }
    metrics.clientRequest(type, version == null ? UNKNOWN_VERSION : version);
    return headers.requireLeader() && status.leader().equals(MemberId.NONE)
        ? EtcdError.NO_LEADER.status()
        : null;
  }

  /** Bytes of a header that are not UTF-8 arrive as replacement characters. */
  private static boolean isText(String value) {
    return value.indexOf('\ufffd') < 0;
  }

  private synchronized void tick() {
    leaderlessTicks = group.status().leader().equals(MemberId.NONE) ? leaderlessTicks + 1 : 0;
    if (leaderlessTicks >= LEADERLESS_TICKS_MAX) {
      streams.endThoseRequiringLeader(EtcdError.NO_LEADER.status());
    }
  }
}
