package io.kvorum.actors.raft;

import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;

/**
 * The one place where a replica changes its role. Each transition checks its guard, sets term and
 * vote, which are on disk before anything that depends on them is sent, and returns the next role.
 */
final class Transitions {
  private Transitions() {}

  /**
   * Neither leads nor campaigns, at a term that is at least the present one: as a follower if it is
   * a voter, as a learner if not, and as one that installs a snapshot until that is in place.
   *
   * @param leader {@link MemberId#NONE} while unknown
   */
  static Passive follow(ReplicaState state, long term, MemberId leader) {
    if (term > state.term()) {
      state.hardState(new HardState(term, MemberId.NONE));
    }
    state.leader(leader);
    if (state.isInstalling()) {
      return new Installing(state);
    }
    return state.configuration().isVoter(state.self) ? new Follower(state) : new Learner(state);
  }

  /** Begins to install a snapshot; the log stays as it is until that is done. */
  static Installing install(ReplicaState state, LogPosition snapshot) {
    if (state.isInstalling() || snapshot.index() <= state.log.committed()) {
      throw new IllegalStateException("snapshot at " + snapshot + " for " + state);
    }
    state.install(snapshot);
    return new Installing(state);
  }

  /** Asks for votes: first whether they would be given, if pre-vote is on. */
  static Role campaign(ReplicaState state) {
    if (!state.mayCampaign()) {
      return follow(state, state.term(), MemberId.NONE);
    }
    state.leader(MemberId.NONE);
    if (state.settings.preVote() && !state.configuration().isSoleVoter(state.self)) {
      return new PreCandidate(state);
    }
    return stand(state, false);
  }

  /**
   * Raises the term and stands for election, with the own vote, which counts once it is on disk.
   *
   * @param transfer the leader asked for it
   */
  static Candidate stand(ReplicaState state, boolean transfer) {
    if (!state.mayCampaign()) {
      throw new IllegalStateException("candidate without the right to stand: " + state);
    }
    state.hardState(new HardState(state.term() + 1, state.self));
    state.leader(MemberId.NONE);
    return new Candidate(state, transfer);
  }

  /** Leads; only a candidate that holds a quorum of votes in its term may call this. */
  static Leader lead(ReplicaState state) {
    if (!state.vote().equals(state.self)) {
      throw new IllegalStateException("leader without its own vote: " + state);
    }
    state.leader(state.self);
    return new Leader(state);
  }
}
