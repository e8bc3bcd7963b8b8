package io.kvorum.actors.raft;

import io.kvorum.actors.raft.quorum.Majority;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.pekko.actor.typed.TypedActorContext;
import org.jspecify.annotations.Nullable;

/**
 * What both kinds of candidates do alike: ask for votes, again of those that do not answer, count
 * them, give up after an election timeout, and hold what clients propose.
 */
abstract sealed class Contender extends Role permits PreCandidate, Candidate {
  private final RaftMessage.VoteRequest request;
  private final Map<MemberId, Boolean> votes = new HashMap<>();
  private final int timeoutTicks;
  private int ticks;

  Contender(ReplicaState state, RaftMessage.VoteRequest request) {
    super(state);
    this.request = request;
    int base = state.settings.electionTimeoutTicks();
    this.timeoutTicks = base + state.random.nextInt(base);
    for (MemberId voter : state.otherVoters()) {
      state.sendAfterSync(voter, request);
    }
  }

  /** What the disk holds now has changed. */
  abstract Role onDisk(HardState hardState);

  /** Whether this answers what was asked. */
  abstract boolean counts(RaftMessage.VoteResponse response);

  abstract Role won();

  @Override
  final Role onMessage(TypedActorContext<ReplicaMessage> context, ReplicaMessage message) {
    switch (message) {
      case ReplicaMessage.Start start -> {}
      case ReplicaMessage.Tick tick -> {
        return onTick();
      }
      case ReplicaMessage.FromPeer(var from, var raft) -> {
        return onPeer(context, from, raft);
      }
      case ReplicaMessage.Propose(var proposal) -> onPropose(context, proposal);
      case ReplicaMessage.Flush flush -> {}
      case ReplicaMessage.ReadIndex read -> {}
      case ReplicaMessage.Persisted persisted -> {
        state.persisted(persisted);
        return onDisk(persisted.hardState());
      }
      case ReplicaMessage.StorageFailed failed -> {
        state.storageFails();
        return follow(state.term(), MemberId.NONE);
      }
      case ReplicaMessage.StorageRecovered(var last) -> state.storageRecovers(last.index());
      case ReplicaMessage.ConfigurationApplied(var configuration, var index) -> {
        state.configuration(configuration, index);
        return state.mayCampaign() ? decide() : follow(state.term(), MemberId.NONE);
      }
      case ReplicaMessage.DurablyApplied(var index) -> {
        state.durablyApplied(index);
        state.compact(Long.MAX_VALUE);
      }
      case ReplicaMessage.TransferLeadership transfer -> {}
      case ReplicaMessage.ReportProgress(var reply) -> reply.complete(Optional.empty());
      case ReplicaMessage.SnapshotSent sent -> {}
      case ReplicaMessage.SnapshotReceived received -> {
        MemberId leader = received.term() >= state.term() ? received.from() : MemberId.NONE;
        return follow(Math.max(received.term(), state.term()), leader).onMessage(context, received);
      }
      case ReplicaMessage.SnapshotInstalled installed -> throw notInstalling(installed);
      case ReplicaMessage.PeerUnreachable unreachable -> {}
    }
    return this;
  }

  @Override
  final Role onCurrent(
      TypedActorContext<ReplicaMessage> context, MemberId from, RaftMessage message) {
    switch (message) {
      case RaftMessage.VoteResponse response -> {
        return counts(response) ? count(from, response.granted()) : this;
      }
      case RaftMessage.Append append -> {
        return follow(state.term(), from).onCurrent(context, from, append);
      }
      case RaftMessage.Heartbeat heartbeat -> {
        return follow(state.term(), from).onCurrent(context, from, heartbeat);
      }
      case RaftMessage.Committed committed -> {
        return follow(state.term(), from).onCurrent(context, from, committed);
      }
      case RaftMessage.Forward forwarded -> onForward(context, from, forwarded.proposals());
      case RaftMessage.Refused refused -> onRefused(refused);
      case RaftMessage.ReadIndexResponse response -> onReadIndexResponse(response);
      case RaftMessage.VoteRequest ignored -> {}
      case RaftMessage.Appended appended -> {}
      case RaftMessage.AppendRejected rejected -> {}
      case RaftMessage.HeartbeatResponse response -> {}
      case RaftMessage.ReadIndexRequest read -> {}
      case RaftMessage.TimeoutNow now -> {}
    }
    return this;
  }

  /** An election has taken too long, or those that did not answer are asked again. */
  private Role onTick() {
    state.tick();
    if (++ticks >= timeoutTicks) {
      return campaign();
    }
    boolean askAgain = ticks % state.settings.heartbeatTicks() == 0;
    if (askAgain && votes.containsKey(state.self)) {
      for (MemberId voter : state.otherVoters()) {
        if (!votes.containsKey(voter)) {
          state.send(voter, request);
        }
      }
    }
    return this;
  }

  final Role count(MemberId voter, boolean granted) {
    votes.putIfAbsent(voter, granted);
    return decide();
  }

  private Role decide() {
    return switch (Majority.tally(state.configuration().voters(), votes)) {
      case WON -> won();
      case LOST -> follow(state.term(), MemberId.NONE);
      case OPEN -> this;
    };
  }

  /** The own vote, before anybody was asked. */
  final void countOwnVote() {
    votes.put(state.self, true);
  }

  @Override
  final @Nullable EtcdError take(TypedActorContext<ReplicaMessage> context, Proposal proposal) {
    return state.hold(proposal) ? null : EtcdError.REQUEST_TOO_MANY_REQUESTS;
  }

  @Override
  final boolean hearsLeader() {
    return false;
  }

  @Override
  final void voted() {
    ticks = 0;
  }

  @Override
  final void leaving() {}
}
