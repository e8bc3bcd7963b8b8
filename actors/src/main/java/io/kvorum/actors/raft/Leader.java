package io.kvorum.actors.raft;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.raft.progress.Progress;
import io.kvorum.actors.raft.quorum.Majority;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.pekko.actor.typed.TypedActorContext;

/**
 * Appends what clients propose, replicates it, and commits what a quorum has on disk (thesis 3.5,
 * 3.6). Its own disk write runs in parallel with the sending; it counts itself only when that write
 * is synced (10.2.1).
 */
final class Leader extends Role {
  private record Waiting(long index, long requestId) {}

  private final Map<MemberId, Progress> progress = new HashMap<>();
  private final ReadRounds reads;
  private final long firstIndexOfTerm;
  private List<Proposal> gathered = new ArrayList<>();
  private long gatheredBytes;
  private long uncommittedBytes;

  /** Who waits for which entry that is not committed yet, in order of index. */
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();

  private int ticksSinceHeartbeat;
  private int ticksSinceQuorumCheck;

  Leader(ReplicaState state) {
    super(state);
    this.reads = new ReadRounds(state);
    trackPeers();
    this.firstIndexOfTerm = state.log.lastIndex() + 1;
    List<Proposal> first = new ArrayList<>();
    first.add(new Proposal(0, EntryKind.EMPTY, ByteString.EMPTY));
    first.addAll(state.takeHeld());
    append(first);
  }

  private void trackPeers() {
    List<MemberId> peers = state.peers();
    progress.keySet().retainAll(peers);
    for (MemberId peer : peers) {
      progress.computeIfAbsent(
          peer,
          p ->
              new Progress(
                  state.log.lastIndex() + 1,
                  state.settings.maxInflightAppends(),
                  state.settings.maxInflightBytes()));
    }
  }

  @Override
  Role onMessage(TypedActorContext<ReplicaMessage> context, ReplicaMessage message) {
    switch (message) {
      case ReplicaMessage.Start start -> {}
      case ReplicaMessage.Tick tick -> {
        return onTick();
      }
      case ReplicaMessage.FromPeer(var from, var raft) -> {
        return onPeer(context, from, raft);
      }
      case ReplicaMessage.Propose(var proposal) -> gather(context, proposal);
      case ReplicaMessage.Flush flush -> flush();
      case ReplicaMessage.ReadIndex(var token) -> read(state.self, token);
      case ReplicaMessage.Persisted persisted -> {
        state.persisted(persisted);
        commitWhatQuorumHas();
      }
      case ReplicaMessage.StorageFailed failed -> {
        Role next = onStorageFailed();
        return next == this ? this : stepDown(next);
      }
      case ReplicaMessage.StorageRecovered(var last) -> onStorageRecovered(last);
      case ReplicaMessage.ConfigurationApplied(var configuration, var index) -> {
        state.configuration(configuration);
        trackPeers();
        commitWhatQuorumHas();
      }
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
      case RaftMessage.Appended appended -> onAppended(from, appended);
      case RaftMessage.AppendRejected rejected -> onRejected(from, rejected);
      case RaftMessage.HeartbeatResponse response -> onHeartbeatResponse(from, response);
      case RaftMessage.Forward forwarded -> forwarded.proposals().forEach(p -> gather(context, p));
      case RaftMessage.ReadIndexRequest request -> read(from, request.token());
      case RaftMessage.VoteRequest request -> {}
      case RaftMessage.VoteResponse response -> {}
      case RaftMessage.ReadIndexResponse response -> {}
      case RaftMessage.Append append -> twoLeaders(from);
      case RaftMessage.Heartbeat heartbeat -> twoLeaders(from);
    }
    return this;
  }

  /** Election safety (thesis figure 3.2) is broken: stop rather than go on. */
  private void twoLeaders(MemberId other) {
    throw new IllegalStateException("member " + other + " leads the same term: " + state);
  }

  private Role onTick() {
    if (++ticksSinceHeartbeat >= state.settings.heartbeatTicks()) {
      ticksSinceHeartbeat = 0;
      heartbeat();
    }
    if (++ticksSinceQuorumCheck >= state.settings.electionTimeoutTicks()) {
      ticksSinceQuorumCheck = 0;
      if (!hearsQuorum()) {
        return stepDown(Transitions.follow(state, state.term(), MemberId.NONE));
      }
    }
    return this;
  }

  /** CheckQuorum (thesis 6.2): a leader that reaches no quorum steps down. */
  private boolean hearsQuorum() {
    Map<MemberId, Boolean> active = new HashMap<>();
    progress.forEach((member, p) -> active.put(member, p.takeActive()));
    active.put(state.self, true);
    return Majority.holds(state.configuration().voters(), m -> active.getOrDefault(m, false));
  }

  /** Proposals that were not appended yet go to the next leader. */
  private Role stepDown(Role next) {
    gathered.forEach(state::hold);
    gathered = new ArrayList<>();
    return next;
  }

  /**
   * Only a sole voter still leads after its disk has failed. What did not reach the disk exists
   * nowhere else, so it is dropped and its callers are told; an empty entry then tries whether the
   * disk takes writes again.
   */
  private void onStorageRecovered(LogPosition last) {
    long dropFrom = Math.max(last.index(), state.log.stable()) + 1;
    state.log.dropUnstable(dropFrom);
    while (!waiting.isEmpty() && waiting.getLast().index() >= dropFrom) {
      long requestId = waiting.removeLast().requestId();
      if (requestId != 0) {
        state.ports.replies().refused(requestId, EtcdError.NO_SPACE);
      }
    }
    uncommittedBytes =
        state.log.slice(state.log.committed() + 1, Long.MAX_VALUE).stream()
            .mapToLong(Entry::sizeBytes)
            .sum();
    state.storageRecovers(last.index());
    append(List.of(new Proposal(0, EntryKind.EMPTY, ByteString.EMPTY)));
  }

  private void gather(TypedActorContext<ReplicaMessage> context, Proposal proposal) {
    if (state.storageFailed()) {
      refuseForStorage(proposal);
      return;
    }
    if (uncommittedBytes + gatheredBytes > state.settings.maxUncommittedBytes()) {
      state.ports.replies().refused(proposal.requestId(), EtcdError.REQUEST_TOO_MANY_REQUESTS);
      return;
    }
    if (gathered.isEmpty()) {
      context.asJava().getSelf().tell(new ReplicaMessage.Flush());
    }
    gathered.add(proposal);
    gatheredBytes += proposal.payload().size() + Entry.OVERHEAD_BYTES;
  }

  private void flush() {
    List<Proposal> batch = gathered;
    gathered = new ArrayList<>();
    gatheredBytes = 0;
    if (state.storageFailed()) {
      batch.forEach(this::refuseForStorage);
    } else {
      append(batch);
    }
  }

  private void append(List<Proposal> batch) {
    if (batch.isEmpty()) {
      return;
    }
    List<Entry> entries = new ArrayList<>(batch.size());
    for (Proposal proposal : batch) {
      Entry entry =
          new Entry(state.log.lastIndex() + 1, state.term(), proposal.kind(), proposal.payload());
      state.log.append(entry);
      entries.add(entry);
      waiting.addLast(new Waiting(entry.index(), proposal.requestId()));
      uncommittedBytes += entry.sizeBytes();
    }
    state.toPersist(entries);
    progress.keySet().forEach(this::replicate);
  }

  /** Sends a follower what it lacks, as far as its window allows. */
  private void replicate(MemberId peer) {
    Progress follower = progressOf(peer);
    while (!follower.isPaused()) {
      long previous = follower.next() - 1;
      if (!state.log.knows(previous)) {
        return;
      }
      List<Entry> entries = state.log.slice(follower.next(), state.settings.maxAppendBytes());
      boolean wasProbing = follower.mode() == Progress.Mode.PROBE;
      if (entries.isEmpty() && !wasProbing) {
        return;
      }
      state.send(
          peer,
          new RaftMessage.Append(
              state.term(),
              new LogPosition(previous, state.log.term(previous)),
              entries,
              state.log.committed()));
      long bytes = entries.stream().mapToLong(Entry::sizeBytes).sum();
      follower.sent(previous + entries.size(), bytes);
    }
  }

  /**
   * Tells a follower of a new commit mark at once, so that its reads and watches do not wait for a
   * heartbeat.
   */
  private void announceCommit(MemberId peer) {
    Progress follower = progressOf(peer);
    long next = follower.next();
    replicate(peer);
    if (follower.next() == next && follower.mode() == Progress.Mode.REPLICATE) {
      LogPosition previous = new LogPosition(next - 1, state.log.term(next - 1));
      state.send(
          peer, new RaftMessage.Append(state.term(), previous, List.of(), state.log.committed()));
    }
  }

  private void onAppended(MemberId from, RaftMessage.Appended appended) {
    Progress follower = progress.get(from);
    if (follower == null) {
      return;
    }
    follower.markActive();
    if (follower.acknowledged(appended.match())) {
      commitWhatQuorumHas();
    }
    replicate(from);
  }

  private void onRejected(MemberId from, RaftMessage.AppendRejected rejected) {
    Progress follower = progress.get(from);
    if (follower == null) {
      return;
    }
    follower.markActive();
    LogPosition hint = rejected.hint();
    long agreed = state.log.lastIndexOfTermAtMost(hint.index(), hint.term());
    if (follower.rejected(rejected.rejected(), agreed)) {
      replicate(from);
    }
  }

  private void onHeartbeatResponse(MemberId from, RaftMessage.HeartbeatResponse response) {
    Progress follower = progress.get(from);
    if (follower == null) {
      return;
    }
    follower.heartbeatAnswered();
    if (follower.match() < state.log.lastIndex()) {
      replicate(from);
    }
    if (reads.confirm(from, response.round())) {
      beginReads();
    }
  }

  private void heartbeat() {
    progress.forEach(
        (peer, follower) ->
            state.send(
                peer,
                new RaftMessage.Heartbeat(
                    state.term(),
                    Math.min(follower.match(), state.log.committed()),
                    reads.round())));
  }

  private void read(MemberId requester, long token) {
    reads.add(requester, token);
    beginReads();
  }

  /**
   * Before an entry of this term is committed the leader does not know what is (thesis 6.4, step
   * 1).
   */
  private void beginReads() {
    if (state.log.committed() >= firstIndexOfTerm && reads.begin()) {
      heartbeat();
    }
  }

  /** Commits what a quorum has on disk, through an entry of this term only (thesis 3.6.2). */
  private void commitWhatQuorumHas() {
    long reached =
        Majority.reached(
            state.configuration().voters(),
            m -> m.equals(state.self) ? state.log.stable() : progressOf(m).match());
    long before = state.log.committed();
    if (reached <= before || reached < firstIndexOfTerm) {
      return;
    }
    for (Entry entry : state.log.slice(before + 1, Long.MAX_VALUE)) {
      if (entry.index() > reached) {
        break;
      }
      uncommittedBytes = Math.max(0, uncommittedBytes - entry.sizeBytes());
    }
    while (!waiting.isEmpty() && waiting.getFirst().index() <= reached) {
      waiting.removeFirst();
    }
    state.commitTo(reached);
    progress.keySet().forEach(this::announceCommit);
    beginReads();
  }

  private Progress progressOf(MemberId member) {
    Progress follower = progress.get(member);
    if (follower == null) {
      throw new IllegalStateException("no progress of member " + member + ": " + state);
    }
    return follower;
  }

  @Override
  boolean hearsLeader() {
    return true;
  }

  @Override
  void voted() {
    throw new IllegalStateException("a leader voted: " + state);
  }
}
