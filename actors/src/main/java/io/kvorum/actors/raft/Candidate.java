package io.kvorum.actors.raft;

/** Stands for election in a new term (thesis 3.4). */
final class Candidate extends Contender {
  /**
   * @param transfer the leader asked for it: members vote although they hear the leader
   */
  Candidate(ReplicaState state, boolean transfer) {
    super(state, new RaftMessage.VoteRequest(state.term(), state.log.last(), false, transfer));
  }

  /** The own vote counts when no crash can take it back. */
  @Override
  Role onDisk(HardState hardState) {
    boolean ownVote = hardState.term() == state.term() && hardState.vote().equals(state.self);
    return ownVote ? count(state.self, true) : this;
  }

  @Override
  boolean counts(RaftMessage.VoteResponse response) {
    return !response.preVote();
  }

  @Override
  Role won() {
    return Transitions.lead(state);
  }
}
