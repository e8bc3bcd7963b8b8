package io.kvorum.actors.raft;

import io.kvorum.actors.raft.quorum.Majority;
import io.kvorum.protocol.MemberId;
import java.util.Optional;
import org.apache.pekko.actor.typed.TypedActorContext;

/** Stands for election in a new term (thesis 3.4). */
final class Candidate extends Role {
  private final Electorate electorate;

  Candidate(ReplicaState state) {
    super(state);
    this.electorate = new Electorate(state);
    for (MemberId voter : state.otherVoters()) {
      state.sendAfterSync(
          voter, new RaftMessage.VoteRequest(state.term(), state.log.last(), false, false));
    }
  }

  @Override
  Role onMessage(TypedActorContext<ReplicaMessage> context, ReplicaMessage message) {
    switch (message) {
      case ReplicaMessage.Start start -> {}
      case ReplicaMessage.Tick tick -> {
        return electorate.tick() ? Transitions.campaign(state) : this;
      }
      case ReplicaMessage.FromPeer(var from, var raft) -> {
        return onPeer(context, from, raft);
      }
      case ReplicaMessage.Propose(var proposal) -> state.hold(proposal);
      case ReplicaMessage.Flush flush -> {}
      case ReplicaMessage.ReadIndex read -> {}
      case ReplicaMessage.Persisted persisted -> {
        state.persisted(persisted);
        HardState onDisk = persisted.hardState();
        boolean ownVote = onDisk.term() == state.term() && onDisk.vote().equals(state.self);
        return ownVote ? decide(electorate.count(state.self, true)) : this;
      }
      case ReplicaMessage.StorageFailed failed -> {
        state.storageFails();
        return Transitions.follow(state, state.term(), MemberId.NONE);
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
      case RaftMessage.VoteResponse response -> {
        return response.preVote() == false
            ? decide(electorate.count(from, response.granted()))
            : this;
      }
      case RaftMessage.Append append -> {
        return electorate.concede(context, from, append);
      }
      case RaftMessage.Heartbeat heartbeat -> {
        return electorate.concede(context, from, heartbeat);
      }
      case RaftMessage.Forward forwarded -> forwarded.proposals().forEach(state::hold);
      case RaftMessage.VoteRequest request -> {}
      case RaftMessage.Appended appended -> {}
      case RaftMessage.AppendRejected rejected -> {}
      case RaftMessage.HeartbeatResponse response -> {}
      case RaftMessage.ReadIndexRequest request -> {}
      case RaftMessage.ReadIndexResponse response ->
          state.ports.replies().readIndex(response.token(), response.index());
    }
    return this;
  }

  private Role decide(Majority.Tally tally) {
    return switch (tally) {
      case WON -> Transitions.lead(state);
      case LOST -> Transitions.follow(state, state.term(), MemberId.NONE);
      case OPEN -> this;
    };
  }

  @Override
  boolean hearsLeader() {
    return false;
  }

  @Override
  void voted() {}
}
