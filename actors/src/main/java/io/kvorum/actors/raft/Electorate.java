package io.kvorum.actors.raft;

import io.kvorum.actors.raft.quorum.Majority;
import io.kvorum.protocol.MemberId;
import java.util.HashMap;
import java.util.Map;
import org.apache.pekko.actor.typed.TypedActorContext;

/**
 * What both kinds of candidates do alike: count votes, wait for an election timeout, and hold what
 * clients propose.
 */
final class Electorate {
  private final ReplicaState state;
  private final Map<MemberId, Boolean> votes = new HashMap<>();
  private final int timeoutTicks;
  private int ticks;

  Electorate(ReplicaState state) {
    this.state = state;
    int base = state.settings.electionTimeoutTicks();
    this.timeoutTicks = base + state.random.nextInt(base);
  }

  Majority.Tally count(MemberId voter, boolean granted) {
    votes.putIfAbsent(voter, granted);
    return Majority.tally(state.configuration().voters(), votes);
  }

  /** One tick passed; whether the election has taken too long. */
  boolean tick() {
    return ++ticks >= timeoutTicks;
  }

  /** A leader of this term exists: follow it and give it the message. */
  Role concede(TypedActorContext<ReplicaMessage> context, MemberId leader, RaftMessage message) {
    return Transitions.follow(state, state.term(), leader).onCurrent(context, leader, message);
  }
}
