package io.kvorum.actors.raft;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.pekko.actor.typed.TypedActorContext;
import org.jspecify.annotations.Nullable;

/**
 * What all do alike who neither lead nor campaign: take what a leader says, and pass on to it what
 * their own clients want.
 */
abstract sealed class Passive extends Role permits Follower, Learner, Installing {
  private List<Proposal> gathered = new ArrayList<>();
  private long gatheredBytes;
  private int ticksSinceLeaderHeard;

  Passive(ReplicaState state) {
    super(state);
    forwardHeld();
  }

  /** The replica may begin. */
  abstract Role onStart(boolean hurry);

  /** This many ticks have passed since a leader was heard or a vote was given. */
  abstract Role onSilence(int ticksSinceLeaderHeard);

  /** The membership is another one now. */
  abstract Role onConfiguration();

  /** The leader's entries, or none of them. */
  abstract void onAppend(MemberId leader, RaftMessage.Append append);

  /** A leader's mark of what is committed. */
  abstract void onCommitted(long committed);

  /** The leader wants this member to take its place. */
  abstract Role onTimeoutNow();

  /** A complete snapshot of an older or of the present term. */
  abstract Role onSnapshot(LogPosition at);

  abstract Role onInstalled(ReplicaMessage.SnapshotInstalled installed);

  @Override
  final Role onMessage(TypedActorContext<ReplicaMessage> context, ReplicaMessage message) {
    switch (message) {
      case ReplicaMessage.Start start -> {
        return onStart(start.hurry());
      }
      case ReplicaMessage.Tick tick -> {
        state.tick();
        return onSilence(++ticksSinceLeaderHeard);
      }
      case ReplicaMessage.FromPeer(var from, var raft) -> {
        return onPeer(context, from, raft);
      }
      case ReplicaMessage.Propose(var proposal) -> onPropose(context, proposal);
      case ReplicaMessage.Flush flush -> forwardGathered();
      case ReplicaMessage.ReadIndex(var token) -> {
        if (hasLeader()) {
          state.send(state.leader(), new RaftMessage.ReadIndexRequest(state.term(), token));
        }
      }
      case ReplicaMessage.Persisted persisted -> state.persisted(persisted);
      case ReplicaMessage.StorageFailed failed -> state.storageFails();
      case ReplicaMessage.StorageRecovered(var last) -> state.storageRecovers(last.index());
      case ReplicaMessage.ConfigurationApplied(var configuration, var index) -> {
        state.configuration(configuration, index);
        return onConfiguration();
      }
      case ReplicaMessage.DurablyApplied(var index) -> {
        state.durablyApplied(index);
        state.compact(Long.MAX_VALUE);
      }
      case ReplicaMessage.TransferLeadership transfer -> {}
      case ReplicaMessage.ReportProgress(var reply) -> reply.complete(Optional.empty());
      case ReplicaMessage.SnapshotSent sent -> {}
      case ReplicaMessage.SnapshotReceived received -> {
        return received.term() > state.term()
            ? follow(received.term(), received.from()).onMessage(context, received)
            : onSnapshot(received.at());
      }
      case ReplicaMessage.SnapshotInstalled installed -> {
        return onInstalled(installed);
      }
      case ReplicaMessage.PeerUnreachable unreachable -> {}
    }
    return this;
  }

  @Override
  final Role onCurrent(
      TypedActorContext<ReplicaMessage> context, MemberId from, RaftMessage message) {
    switch (message) {
      case RaftMessage.Append append -> {
        heard(from);
        onAppend(from, append);
      }
      case RaftMessage.Heartbeat heartbeat -> {
        heard(from);
        onCommitted(heartbeat.committed());
        state.send(from, new RaftMessage.HeartbeatResponse(state.term(), heartbeat.round()));
      }
      case RaftMessage.Committed committed -> {
        heard(from);
        if (state.log.matches(committed.last())) {
          onCommitted(committed.last().index());
        }
      }
      case RaftMessage.TimeoutNow now -> {
        return onTimeoutNow();
      }
      case RaftMessage.Forward forwarded -> onForward(context, from, forwarded.proposals());
      case RaftMessage.Refused refused -> onRefused(refused);
      case RaftMessage.ReadIndexResponse response -> onReadIndexResponse(response);
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
      forwardHeld();
    }
  }

  final boolean hasLeader() {
    return !state.leader().equals(MemberId.NONE);
  }

  /** Lets less time pass before the first election. */
  final void waited(int ticks) {
    ticksSinceLeaderHeard = Math.max(ticksSinceLeaderHeard, ticks);
  }

  /** Gathers what is in the mailbox into one message to the leader, or waits for one. */
  @Override
  final @Nullable EtcdError take(TypedActorContext<ReplicaMessage> context, Proposal proposal) {
    if (!hasLeader()) {
      return state.hold(proposal) ? null : EtcdError.REQUEST_TOO_MANY_REQUESTS;
    }
    if (gatheredBytes >= state.settings.maxHeldBytes()) {
      return EtcdError.REQUEST_TOO_MANY_REQUESTS;
    }
    if (gathered.isEmpty()) {
      context.asJava().getSelf().tell(new ReplicaMessage.Flush());
    }
    gathered.add(proposal);
    gatheredBytes += proposal.sizeBytes();
    return null;
  }

  private void forwardGathered() {
    List<Proposal> batch = takeGathered();
    if (hasLeader()) {
      forward(batch);
    } else {
      state.holdOrRefuse(batch);
    }
  }

  private void forwardHeld() {
    if (hasLeader()) {
      forward(state.takeHeld());
    }
  }

  /** In messages of bounded size, each of at least one proposal. */
  private void forward(List<Proposal> proposals) {
    int from = 0;
    while (from < proposals.size()) {
      long bytes = proposals.get(from).sizeBytes();
      int to = from + 1;
      while (to < proposals.size()
          && bytes + proposals.get(to).sizeBytes() <= state.settings.maxAppendBytes()) {
        bytes += proposals.get(to++).sizeBytes();
      }
      List<Proposal> part = List.copyOf(proposals.subList(from, to));
      state.send(state.leader(), new RaftMessage.Forward(state.term(), part));
      from = to;
    }
  }

  private List<Proposal> takeGathered() {
    List<Proposal> batch = gathered;
    gathered = new ArrayList<>();
    gatheredBytes = 0;
    return batch;
  }

  @Override
  final void leaving() {
    state.holdOrRefuse(takeGathered());
  }

  @Override
  final boolean hearsLeader() {
    return hasLeader() && ticksSinceLeaderHeard < state.settings.electionTimeoutTicks();
  }

  @Override
  final void voted() {
    ticksSinceLeaderHeard = 0;
  }

  /**
   * AppendEntries, receiver's side (thesis figure 3.1), with a hint that skips conflicting terms.
   */
  final void appendToLog(MemberId leader, RaftMessage.Append append) {
    LogPosition previous = append.previous();
    if (previous.index() < state.log.committed()) {
      state.acknowledge(leader, state.log.committed());
      return;
    }
    if (!state.log.matches(previous)) {
      long hint = state.log.lastIndexOfTermAtMost(previous.index(), previous.term());
      state.send(
          leader,
          new RaftMessage.AppendRejected(
              state.term(), previous.index(), new LogPosition(hint, state.log.term(hint))));
      return;
    }
    if (!append.entries().isEmpty() && !hasRoom()) {
      return;
    }
    state.toPersist(state.log.merge(append.entries()));
    long match = previous.index() + append.entries().size();
    state.commitTo(Math.min(append.committed(), match));
    state.acknowledge(leader, match);
  }

  /**
   * Entries that can neither be written nor applied soon are not taken, so that memory stays
   * bounded: the leader's window fills, and it asks again with each heartbeat.
   */
  private boolean hasRoom() {
    return !state.storageClosed() && state.log.bytes() <= state.settings.maxTotalLogBytes();
  }

  final void commitWhatIsHere(long committed) {
    state.commitTo(Math.min(committed, state.log.lastIndex()));
  }

  /**
   * A snapshot replaces the log unless the log has all of it already. It is of use whatever term it
   * was sent in: what it holds is committed.
   */
  final Role installOrDiscard(LogPosition at) {
    if (at.index() > state.log.committed() && !state.log.matches(at)) {
      leaving();
      return Transitions.install(state, at);
    }
    state.ports.snapshots().discard(at);
    state.commitTo(at.index());
    tellLeaderWhatIsCommitted();
    return this;
  }

  /** The leader holds everything that is committed: here the logs agree. */
  final void tellLeaderWhatIsCommitted() {
    if (hasLeader()) {
      state.acknowledge(state.leader(), state.log.committed());
    }
  }
}
