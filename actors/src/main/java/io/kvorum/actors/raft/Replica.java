package io.kvorum.actors.raft;

import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.MemberId;
import java.util.random.RandomGenerator;
import org.apache.pekko.actor.typed.Behavior;

/**
 * A member's replica of a group's log. Begins as a follower, or as a learner if it does not vote,
 * whatever it was before (thesis 3.3).
 */
public final class Replica {
  private Replica() {}

  /**
   * The behaviour of a replica that waits for {@link ReplicaMessage.Start}.
   *
   * @param hardState as recovered from disk
   * @param log as recovered from disk
   * @param configuration as applied by the state machine up to where {@code log} is delivered, or
   *     the initial one of a new cluster
   * @param random source of election timeouts
   */
  public static Behavior<ReplicaMessage> create(
      MemberId self,
      RaftSettings settings,
      RandomGenerator random,
      HardState hardState,
      RaftLog log,
      Configuration configuration,
      Ports ports) {
    var state = new ReplicaState(self, settings, random, hardState, log, configuration, ports);
    log.commitTo(log.provenCommitted());
    return Transitions.follow(state, hardState.term(), MemberId.NONE);
  }
}
