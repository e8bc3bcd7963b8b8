package io.kvorum.actors.raft;

import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.List;
import java.util.Optional;
import org.apache.pekko.actor.typed.TypedActorContext;

/**
 * Takes the leader's entries, forwards what its clients propose, and campaigns when it hears
 * nothing (thesis 3.3).
 */
final class Follower extends Role {
  private final int electionTimeoutTicks;
  private int ticksSinceLeaderHeard;

  Follower(ReplicaState state) {
    super(state);
    int base = state.settings.electionTimeoutTicks();
    this.electionTimeoutTicks = base + state.random.nextInt(base);
    forward(state.takeHeld());
  }

  @Override
  Role onMessage(TypedActorContext<ReplicaMessage> context, ReplicaMessage message) {
    switch (message) {
      case ReplicaMessage.Start start -> {
        state.deliver();
        return state.configuration().isSoleVoter(state.self) ? Transitions.campaign(state) : this;
      }
      case ReplicaMessage.Tick tick -> {
        return ++ticksSinceLeaderHeard >= electionTimeoutTicks ? Transitions.campaign(state) : this;
      }
      case ReplicaMessage.FromPeer(var from, var raft) -> {
        return onPeer(context, from, raft);
      }
      case ReplicaMessage.Propose(var proposal) -> forward(List.of(proposal));
      case ReplicaMessage.Flush flush -> {}
      case ReplicaMessage.ReadIndex(var token) -> {
        if (!state.leader().equals(MemberId.NONE)) {
          state.send(state.leader(), new RaftMessage.ReadIndexRequest(state.term(), token));
        }
      }
      case ReplicaMessage.Persisted persisted -> state.persisted(persisted);
      case ReplicaMessage.StorageFailed failed -> {
        return onStorageFailed();
      }
      case ReplicaMessage.StorageRecovered(var last) -> state.storageRecovers(last.index());
      case ReplicaMessage.ConfigurationApplied(var configuration, var index) ->
          state.configuration(configuration);
      case ReplicaMessage.DurablyApplied(var index) -> state.compactBehind(index);
      case ReplicaMessage.TransferLeadership transfer -> {}
      case ReplicaMessage.ReportProgress(var reply) -> reply.complete(Optional.empty());
      case ReplicaMessage.SnapshotSent sent -> {}
      case ReplicaMessage.SnapshotReceived received ->
          state.ports.snapshots().discard(received.at());
      case ReplicaMessage.SnapshotInstalled installed -> {}
      case ReplicaMessage.PeerUnreachable unreachable -> {}
    }
    return this;
  }

  @Override
  Role onCurrent(TypedActorContext<ReplicaMessage> context, MemberId from, RaftMessage message) {
    switch (message) {
      case RaftMessage.TimeoutNow now -> {}
      case RaftMessage.Refused refused -> {}
      case RaftMessage.Append append -> {
        heard(from);
        onAppend(from, append);
      }
      case RaftMessage.Heartbeat heartbeat -> {
        heard(from);
        state.commitTo(Math.min(heartbeat.committed(), state.log.lastIndex()));
        state.send(from, new RaftMessage.HeartbeatResponse(state.term(), heartbeat.round()));
      }
      case RaftMessage.ReadIndexResponse response ->
          state.ports.replies().readIndex(response.token(), response.index());
      case RaftMessage.Forward forwarded -> forward(forwarded.proposals());
      case RaftMessage.VoteRequest request -> {}
      case RaftMessage.VoteResponse response -> {}
      case RaftMessage.Appended appended -> {}
      case RaftMessage.AppendRejected rejected -> {}
      case RaftMessage.HeartbeatResponse response -> {}
      case RaftMessage.ReadIndexRequest request -> {}
    }
    return this;
  }

  private void heard(MemberId leader) {
    ticksSinceLeaderHeard = 0;
    if (!state.leader().equals(leader)) {
      state.leader(leader);
      forward(state.takeHeld());
    }
  }

  /**
   * AppendEntries, receiver's side (thesis figure 3.1), with a hint that skips conflicting terms.
   */
  private void onAppend(MemberId from, RaftMessage.Append append) {
    LogPosition previous = append.previous();
    if (previous.index() < state.log.committed()) {
      state.sendAfterSync(from, new RaftMessage.Appended(state.term(), state.log.committed()));
      return;
    }
    if (!state.log.matches(previous)) {
      long hint = state.log.lastIndexOfTermAtMost(previous.index(), previous.term());
      state.send(
          from,
          new RaftMessage.AppendRejected(
              state.term(), previous.index(), new LogPosition(hint, state.log.term(hint))));
      return;
    }
    state.toPersist(state.log.merge(append.entries()));
    long match = previous.index() + append.entries().size();
    state.commitTo(Math.min(append.committed(), match));
    state.sendAfterSync(from, new RaftMessage.Appended(state.term(), match));
  }

  private void forward(List<Proposal> proposals) {
    if (proposals.isEmpty()) {
      return;
    }
    if (state.leader().equals(MemberId.NONE) || state.leader().equals(state.self)) {
      proposals.forEach(state::hold);
    } else {
      state.send(state.leader(), new RaftMessage.Forward(state.term(), proposals));
    }
  }

  @Override
  boolean hearsLeader() {
    return !state.leader().equals(MemberId.NONE)
        && ticksSinceLeaderHeard < state.settings.electionTimeoutTicks();
  }

  @Override
  void voted() {
    ticksSinceLeaderHeard = 0;
  }
}
