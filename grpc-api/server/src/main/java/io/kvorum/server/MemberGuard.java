package io.kvorum.server;

import io.grpc.Status;
import io.kvorum.actors.group.Group;
import io.kvorum.actors.raft.membership.Standing;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.server.grpc.CallGuard;
import io.kvorum.server.grpc.CallHeaders;
import io.kvorum.server.grpc.OpenStreams;
import io.kvorum.server.grpc.RpcType;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.actor.typed.ActorSystem;
import org.jspecify.annotations.Nullable;

/**
 * What this member refuses for the state it is in, in etcd's order: as no member, as a learner, for
 * metadata it cannot read, and for want of a leader where the client asked for one. Streams that
 * asked are also ended when the leader has been gone for {@value #LEADERLESS_TICKS_MAX} election
 * timeouts.
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
    Standing standing = group.standing();
    if (standing == Standing.NOBODY && !servedByLearner) {
      return EtcdError.STOPPED.status();
    }
    if (standing == Standing.LEARNER && !servedByLearner) {
      return EtcdError.NOT_SUPPORTED_FOR_LEARNER.status();
    }
    String version = version(headers);
    if (version == null) {
      return EtcdError.INVALID_CLIENT_API_VERSION.status();
    }
    metrics.clientRequest(type, version);
    return headers.requireLeader() && group.leader().equals(MemberId.NONE)
        ? EtcdError.NO_LEADER.status()
        : null;
  }

  /** The client's version as it should be counted; null where its bytes are not UTF-8. */
  private static @Nullable String version(CallHeaders headers) {
    String said = headers.clientApiVersion();
    if (said == null) {
      return UNKNOWN_VERSION;
    }
    if (said.chars().allMatch(c -> c < 0x80)) {
      return said;
    }
    try {
      // HPACK hands over each byte of a value as one character.
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(said.getBytes(StandardCharsets.ISO_8859_1)))
          .toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  private synchronized void tick() {
    leaderlessTicks = group.leader().equals(MemberId.NONE) ? leaderlessTicks + 1 : 0;
    if (leaderlessTicks >= LEADERLESS_TICKS_MAX) {
      streams.endThoseRequiringLeader(EtcdError.NO_LEADER.status());
    }
  }
}
