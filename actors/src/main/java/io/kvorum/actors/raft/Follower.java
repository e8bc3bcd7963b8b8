package io.kvorum.actors.raft;

import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;

/** A voter that takes the leader's entries, and campaigns when it hears nothing (thesis 3.3). */
final class Follower extends Passive {
  /**
   * Heartbeats that a starting member leaves a leader to be heard before it may ask for votes; the
   * first election then does not wait a whole election timeout. Only with pre-vote, which disturbs
   * nobody if there is a leader after all.
   */
  private static final int HEARTBEATS_AT_START = 3;

  /** In which a follower campaigns in the place of one that cannot win. */
  private static final int TAKE_OVER_WITHIN_TICKS = 2;

  private final int electionTimeoutTicks;

  Follower(ReplicaState state) {
    super(state);
    int base = state.settings.electionTimeoutTicks();
    this.electionTimeoutTicks = base + state.random.nextInt(base);
  }

  @Override
  Role onStart(boolean hurry) {
    state.deliver();
    if (isAlone()) {
      return campaign();
    }
    if (hurry && state.settings.preVote()) {
      RaftSettings settings = state.settings;
      waited(settings.electionTimeoutTicks() - HEARTBEATS_AT_START * settings.heartbeatTicks());
    }
    return this;
  }

  private boolean isAlone() {
    return state.configuration().isSoleVoter(state.self) && !hasLeader();
  }

  @Override
  Role onSilence(int ticksSinceLeaderHeard) {
    return ticksSinceLeaderHeard >= electionTimeoutTicks ? campaign() : this;
  }

  /** Not at once: others that have more too may have heard the same. */
  @Override
  void outdone() {
    waited(electionTimeoutTicks - 1 - state.random.nextInt(TAKE_OVER_WITHIN_TICKS));
  }

  @Override
  Role onConfiguration() {
    if (!state.configuration().isVoter(state.self)) {
      return follow(state.term(), state.leader());
    }
    return isAlone() ? campaign() : this;
  }

  @Override
  void onAppend(MemberId leader, RaftMessage.Append append) {
    appendToLog(leader, append);
  }

  @Override
  void onCommitted(long committed) {
    commitWhatIsHere(committed);
  }

  /** Stands at once, without asking first: the leader itself wants it (thesis 3.10). */
  @Override
  Role onTimeoutNow() {
    if (!state.mayCampaign()) {
      return this;
    }
    leaving();
    return Transitions.stand(state, true);
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
