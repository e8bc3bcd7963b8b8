package io.kvorum.actors.raft;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.pekko.actor.typed.TypedActorContext;
import org.jspecify.annotations.Nullable;

/**
 * Appends what clients propose, replicates it, and commits what a quorum has on disk (thesis 3.5,
 * 3.6). Its own disk write runs in parallel with the sending; it counts itself only when that write
 * is synced (10.2.1).
 */
final class Leader extends Role {
  private record Waiting(long index, long requestId) {}

  private static final Proposal NOTHING = new Proposal(0, EntryKind.EMPTY, ByteString.EMPTY);

  private final Followers followers;
  private final ReadRounds reads;
  private final long firstIndexOfTerm;
  private List<Proposal> gathered = new ArrayList<>();
  private long gatheredBytes;
  private long uncommittedBytes;

  /**
   * While this member is all there is: who waits for which entry that is not committed yet, in
   * order of index.
   */
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();

  private int ticksSinceHeartbeat;
  private int ticksSinceQuorumCheck;

  /** Who is to lead next; {@link MemberId#NONE} unless a transfer is under way. */
  private MemberId successor = MemberId.NONE;

  private int ticksSinceTransfer;

  /**
   * Entry behind the removal of this member, with whose commit its lead ends; 0 unless it was
   * removed.
   */
  private long farewell;

  Leader(ReplicaState state) {
    super(state);
    this.followers = new Followers(state);
    this.reads = new ReadRounds(state);
    this.uncommittedBytes = state.log.bytes(state.log.committed() + 1, state.log.lastIndex());
    this.firstIndexOfTerm = state.log.lastIndex() + 1;
    List<Proposal> first = new ArrayList<>();
    first.add(NOTHING);
    first.addAll(state.takeHeld());
    append(first);
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
      case ReplicaMessage.Propose(var proposal) -> onPropose(context, proposal);
      case ReplicaMessage.Flush flush -> flush();
      case ReplicaMessage.ReadIndex(var token) -> read(state.self, token);
      case ReplicaMessage.Persisted persisted -> {
        state.persisted(persisted);
        commitWhatQuorumHas();
        return staysOrResigns();
      }
      case ReplicaMessage.StorageFailed failed -> {
        return onStorageFailed();
      }
      case ReplicaMessage.StorageRecovered(var last) -> onStorageRecovered(last);
      case ReplicaMessage.ConfigurationApplied(var configuration, var index) -> {
        state.configuration(configuration, index);
        return onConfiguration();
      }
      case ReplicaMessage.DurablyApplied(var index) -> {
        state.durablyApplied(index);
        state.compact(followers.neededBehind());
      }
      case ReplicaMessage.TransferLeadership(var to) -> beginTransfer(to);
      case ReplicaMessage.ReportProgress(var reply) ->
          reply.complete(Optional.of(followers.report()));
      case ReplicaMessage.SnapshotSent sent -> followers.snapshotSent(sent);
      case ReplicaMessage.SnapshotReceived received -> {
        return onSnapshot(context, received);
      }
      case ReplicaMessage.SnapshotInstalled installed -> throw notInstalling(installed);
      case ReplicaMessage.PeerUnreachable(var member) -> followers.unreachable(member);
    }
    return this;
  }

  @Override
  Role onCurrent(TypedActorContext<ReplicaMessage> context, MemberId from, RaftMessage message) {
    switch (message) {
      case RaftMessage.Appended appended -> {
        onAppended(from, appended);
        return staysOrResigns();
      }
      case RaftMessage.AppendRejected rejected -> followers.rejected(from, rejected);
      case RaftMessage.HeartbeatResponse response -> {
        followers.heartbeatAnswered(from);
        if (reads.confirm(from, response.round())) {
          beginReads();
        }
      }
      case RaftMessage.Forward forwarded -> onForward(context, from, forwarded.proposals());
      case RaftMessage.ReadIndexRequest request -> read(from, request.token());
      case RaftMessage.Refused refused -> onRefused(refused);
      case RaftMessage.ReadIndexResponse response -> onReadIndexResponse(response);
      case RaftMessage.VoteRequest request -> {}
      case RaftMessage.VoteResponse response -> {}
      case RaftMessage.TimeoutNow now -> {}
      case RaftMessage.Append append -> twoLeaders(from);
      case RaftMessage.Heartbeat heartbeat -> twoLeaders(from);
      case RaftMessage.Committed committed -> twoLeaders(from);
    }
    return this;
  }

  /** Election safety (thesis figure 3.2) is broken: stop rather than go on. */
  private void twoLeaders(MemberId other) {
    throw new IllegalStateException("member " + other + " leads the same term: " + state);
  }

  private Role onTick() {
    state.tick();
    if (++ticksSinceHeartbeat >= state.settings.heartbeatTicks()) {
      ticksSinceHeartbeat = 0;
      followers.heartbeat(reads.round());
      followers.repeatWhatMayBeLost();
      askSuccessorIfLevel();
    }
    boolean transferTooLong =
        isHandingOver() && ++ticksSinceTransfer >= state.settings.electionTimeoutTicks();
    if (transferTooLong) {
      endTransfer();
    }
    if (++ticksSinceQuorumCheck >= state.settings.electionTimeoutTicks()) {
      ticksSinceQuorumCheck = 0;
      if (!followers.takeQuorumHeard() && !isLeaving()) {
        return follow(state.term(), MemberId.NONE);
      }
    }
    return this;
  }

  /** What was not appended yet is for the next leader. */
  @Override
  void leaving() {
    state.holdOrRefuse(takeGathered());
  }

  /**
   * A member that cannot persist must not lead others: who is furthest takes over, without waiting
   * for an election timeout. A member that is all there is goes on answering reads.
   */
  private Role onStorageFailed() {
    state.storageFails();
    return state.configuration().isSoleMember(state.self) ? this : resign();
  }

  private Role resign() {
    MemberId next = followers.furthestVoter();
    if (!next.equals(MemberId.NONE)) {
      state.send(next, new RaftMessage.TimeoutNow(state.term()));
    }
    return follow(state.term(), MemberId.NONE);
  }

  /**
   * Only a member that is all there is still leads after its disk has failed. What did not reach
   * the disk exists nowhere else, so it is dropped and its callers are told; an empty entry then
   * tries whether the disk takes writes again.
   */
  private void onStorageRecovered(LogPosition last) {
    long dropFrom = Math.max(last.index(), state.log.stable()) + 1;
    state.log.dropUnstable(dropFrom);
    followers.forgetSlice();
    while (!waiting.isEmpty() && waiting.getLast().index() >= dropFrom) {
      long requestId = waiting.removeLast().requestId();
      if (requestId != 0) {
        state.ports.replies().refused(requestId, EtcdError.NO_SPACE);
      }
    }
    uncommittedBytes = state.log.bytes(state.log.committed() + 1, state.log.lastIndex());
    state.storageRecovers(last.index());
    append(List.of(NOTHING));
  }

  /** The membership is another one now; one that leaves this member out ends its lead. */
  private Role onConfiguration() {
    followers.followMembership();
    if (!state.configuration().isVoter(state.self) && !isLeaving()) {
      leave();
    }
    if (isHandingOver() && !state.configuration().isVoter(successor)) {
      endTransfer();
    }
    commitWhatQuorumHas();
    if (reads.membershipChanged()) {
      beginReads();
    }
    return staysOrResigns();
  }

  /**
   * A removed leader goes on, without counting itself and without taking proposals, until a
   * majority of the others knows of its removal (thesis 4.2.2). An empty entry shows that: whoever
   * acknowledges it has seen, in the same message, that the removal is committed. Were they left
   * without knowing, they would go on to count this member's vote. It does not give up when it
   * hears no quorum, for the same reason.
   */
  private void leave() {
    farewell = state.log.lastIndex() + 1;
    append(List.of(NOTHING));
  }

  private boolean isLeaving() {
    return farewell != 0;
  }

  private Role staysOrResigns() {
    return isLeaving() && state.log.committed() >= farewell ? resign() : this;
  }

  /** Whoever leads has all that is committed. */
  private Role onSnapshot(
      TypedActorContext<ReplicaMessage> context, ReplicaMessage.SnapshotReceived received) {
    if (received.term() > state.term()) {
      return follow(received.term(), received.from()).onMessage(context, received);
    }
    state.ports.snapshots().discard(received.at());
    return this;
  }

  @Override
  @Nullable EtcdError take(TypedActorContext<ReplicaMessage> context, Proposal proposal) {
    if (state.storageFailed()) {
      return EtcdError.NO_SPACE;
    }
    if (isHandingOver() || isLeaving()) {
      return state.hold(proposal) ? null : EtcdError.REQUEST_TOO_MANY_REQUESTS;
    }
    if (uncommittedBytes + gatheredBytes > state.settings.maxUncommittedBytes()
        || state.log.bytes() > state.settings.maxTotalLogBytes()) {
      return EtcdError.REQUEST_TOO_MANY_REQUESTS;
    }
    if (gathered.isEmpty()) {
      context.asJava().getSelf().tell(new ReplicaMessage.Flush());
    }
    gathered.add(proposal);
    gatheredBytes += proposal.sizeBytes();
    return null;
  }

  private List<Proposal> takeGathered() {
    List<Proposal> batch = gathered;
    gathered = new ArrayList<>();
    gatheredBytes = 0;
    return batch;
  }

  private void flush() {
    List<Proposal> batch = takeGathered();
    if (state.storageFailed()) {
      batch.forEach(p -> state.ports.replies().refused(p.requestId(), EtcdError.NO_SPACE));
    } else if (isHandingOver() || isLeaving()) {
      state.holdOrRefuse(batch);
    } else {
      append(batch);
    }
  }

  private void append(List<Proposal> batch) {
    if (batch.isEmpty()) {
      return;
    }
    boolean alone = state.configuration().isSoleMember(state.self);
    List<Entry> entries = new ArrayList<>(batch.size());
    for (Proposal proposal : batch) {
      Entry entry = entry(proposal);
      state.log.append(entry);
      entries.add(entry);
      uncommittedBytes += entry.sizeBytes();
      if (alone) {
        waiting.addLast(new Waiting(entry.index(), proposal.requestId()));
      }
    }
    state.toPersist(entries);
    followers.replicateAll();
  }

  /**
   * One membership change at a time, until it is applied (thesis 4.1): a second one becomes an
   * empty entry, as in etcd.
   */
  private Entry entry(Proposal proposal) {
    long index = state.log.lastIndex() + 1;
    boolean isChange = proposal.kind() == EntryKind.MEMBERSHIP;
    return isChange && state.membershipChangePending()
        ? new Entry(index, state.term(), EntryKind.EMPTY, ByteString.EMPTY)
        : new Entry(index, state.term(), proposal.kind(), proposal.payload());
  }

  private void onAppended(MemberId from, RaftMessage.Appended appended) {
    if (followers.acknowledged(from, appended.match())) {
      commitWhatQuorumHas();
    }
    followers.replicateTo(from);
    if (from.equals(successor)) {
      askSuccessorIfLevel();
    }
  }

  private boolean isHandingOver() {
    return !successor.equals(MemberId.NONE);
  }

  /**
   * Brings another voter up to date and lets it stand for election (thesis 3.10). What is proposed
   * meanwhile is held for the next leader, or appended here when the transfer is given up after an
   * election timeout.
   */
  private void beginTransfer(MemberId to) {
    boolean otherVoter = state.configuration().isVoter(to) && !to.equals(state.self);
    if (otherVoter && !to.equals(successor)) {
      successor = to;
      ticksSinceTransfer = 0;
      askSuccessorIfLevel();
    }
  }

  private void askSuccessorIfLevel() {
    if (isHandingOver() && followers.isLevel(successor)) {
      state.send(successor, new RaftMessage.TimeoutNow(state.term()));
    }
  }

  private void endTransfer() {
    successor = MemberId.NONE;
    if (!isLeaving()) {
      append(state.takeHeld());
    }
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
      followers.heartbeat(reads.round());
    }
  }

  /** Commits what a quorum has on disk, through an entry of this term only (thesis 3.6.2). */
  private void commitWhatQuorumHas() {
    long reached = followers.reachedByQuorum();
    long before = state.log.committed();
    if (reached <= before || reached < firstIndexOfTerm) {
      return;
    }
    uncommittedBytes -= state.log.bytes(before + 1, reached);
    while (!waiting.isEmpty() && waiting.getFirst().index() <= reached) {
      waiting.removeFirst();
    }
    state.commitTo(reached);
    if (gathered.isEmpty()) {
      followers.announceCommit();
    }
    beginReads();
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
