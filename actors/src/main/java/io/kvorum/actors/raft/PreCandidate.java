package io.kvorum.actors.raft;

/**
 * Asks whether votes would be given, without raising its term, so that a member that was cut off
 * does not disturb the others when it returns (thesis 9.6).
 */
final class PreCandidate extends Contender {
  PreCandidate(ReplicaState state) {
    super(state, new RaftMessage.VoteRequest(state.term() + 1, state.log.last(), true, false));
    countOwnVote();
  }

  /** The own pre-vote is a promise to nobody: it need not be on disk. */
  @Override
  Role onDisk(HardState hardState) {
    return this;
  }

  /** A grant of an earlier round names a term that is not asked for any more. */
  @Override
  boolean counts(RaftMessage.VoteResponse response) {
    return response.preVote() && (!response.granted() || response.term() == state.term() + 1);
  }

  @Override
  Role won() {
    return Transitions.stand(state, false);
  }
}
