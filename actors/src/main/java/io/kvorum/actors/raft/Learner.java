package io.kvorum.actors.raft;

import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;

/**
 * Takes the leader's entries like a follower, but never campaigns (thesis 4.2.1): a member that was
 * not promoted yet, one that does not know yet that it was added, and one that was removed. It
 * votes when asked: the candidate may know of a promotion that has not arrived here.
 */
final class Learner extends Passive {
  Learner(ReplicaState state) {
    super(state);
  }

  @Override
  Role onStart(boolean hurry) {
    state.deliver();
    return this;
  }

  /** Where a follower would have campaigned at the latest, a learner forgets its leader. */
  @Override
  Role onSilence(int ticksSinceLeaderHeard) {
    if (ticksSinceLeaderHeard >= 2 * state.settings.electionTimeoutTicks()) {
      state.leader(MemberId.NONE);
    }
    return this;
  }

  @Override
  Role onConfiguration() {
    return state.configuration().isVoter(state.self) ? follow(state.term(), state.leader()) : this;
  }

  @Override
  void onAppend(MemberId leader, RaftMessage.Append append) {
    appendToLog(leader, append);
  }

  @Override
  void onCommitted(long committed) {
    commitWhatIsHere(committed);
  }

  @Override
  Role onTimeoutNow() {
    return this;
  }

  @Override
  Role onSnapshot(LogPosition at) {
    return installOrDiscard(at);
  }

  @Override
  Role onInstalled(ReplicaMessage.SnapshotInstalled installed) {
    throw notInstalling(installed);
  }
}
