package io.kvorum.actors.raft;

import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;

/**
 * Waits until a leader's snapshot has taken the place of state machine and log. Until then the log
 * is neither what it was nor what it will be: no entry is taken, committed or delivered, and a vote
 * is given only to who has both the old log and the snapshot. Heartbeats are answered, so that the
 * leader keeps its quorum.
 */
final class Installing extends Passive {
  Installing(ReplicaState state) {
    super(state);
  }

  @Override
  Role onStart(boolean hurry) {
    return this;
  }

  @Override
  Role onSilence(int ticksSinceLeaderHeard) {
    if (ticksSinceLeaderHeard >= 2 * state.settings.electionTimeoutTicks()) {
      state.leader(MemberId.NONE);
    }
    return this;
  }

  @Override
  Role onConfiguration() {
    return this;
  }

  @Override
  void onAppend(MemberId leader, RaftMessage.Append append) {}

  @Override
  void onCommitted(long committed) {}

  @Override
  Role onTimeoutNow() {
    return this;
  }

  /** One at a time; the one that is being installed must not be thrown away. */
  @Override
  Role onSnapshot(LogPosition at) {
    if (!at.equals(state.installing())) {
      state.ports.snapshots().discard(at);
    }
    return this;
  }

  @Override
  Role onInstalled(ReplicaMessage.SnapshotInstalled installed) {
    if (!installed.at().equals(state.installing())) {
      throw notInstalling(installed);
    }
    state.installed(installed.configuration());
    tellLeaderWhatIsCommitted();
    return follow(state.term(), state.leader());
  }
}
