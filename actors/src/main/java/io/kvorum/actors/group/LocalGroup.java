package io.kvorum.actors.group;

import io.kvorum.actors.apply.AlarmState;
import io.kvorum.actors.apply.AppliedIndex;
import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.apply.PendingProposals;
import io.kvorum.actors.apply.Quota;
import io.kvorum.actors.cluster.GroupPeers;
import io.kvorum.actors.lease.LeaseKeeper;
import io.kvorum.actors.raft.Ports;
import io.kvorum.actors.raft.Proposal;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.raft.membership.Standing;
import io.kvorum.actors.raft.quorum.Majority;
import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.actors.watch.ResponseChunk;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceStats;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmResponse;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.CommandHeader;
import io.kvorum.protocol.internal.Membership;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.pekko.Done;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A group as this member runs it: what service adapters call, and what the replica's ports lead to.
 * The actors behind it are the {@link GroupSupervisor}'s.
 */
final class LocalGroup implements Group, Ports.Replies, Ports.Observer {
  private static final Logger log = LoggerFactory.getLogger(LocalGroup.class);

  /** An unanswered read index is asked for again after this time, as in etcd. */
  private static final long READ_INDEX_RESEND_NANOS = 500_000_000L;

  /** Set in the tokens of the lease keeper. */
  private static final long LEASE_TOKENS = 1L << 62;

  private final LogIdentity identity;
  private final ResponseHeaders headers;
  private final GroupSettings settings;
  private final Keyspace keyspace;
  private final MembershipState membership;
  private final EtcdMetrics metrics;
  private final Executor readExecutor;
  private final Consumer<ReplicaMessage> replica;
  private final Consumer<MemberId> onLeader;
  private final Function<Source<WatchRequest, NotUsed>, Source<ResponseChunk, NotUsed>> watches;
  private final AppliedIndex applied;
  private final PendingProposals proposals;
  private final ReadCoordinator reads;
  private final Leadership leadership = new Leadership();
  private final GroupPeers peers;
  private final LocalMembers members;
  private final LocalMaintenance maintenance;
  private final PeerHashes hashes;
  private final LocalLeases leases;
  private final Consumer<LeaseKeeper.Message> keeper;
  private final LocalAlarms alarms;
  private final Quota quota;
  private volatile long committed;
  private final ApplyGate gate;
  private volatile boolean stalled;

  /**
   * @param maintenanceExecutor may be blocked for long
   * @param watches the responses to a client's stream of watch requests
   * @param peers connections to the other members
   * @param replica where messages to the replica go
   * @param keeper where messages to the lease keeper go
   * @param onLeader told of each new leader
   */
  LocalGroup(
      ResponseHeaders headers,
      GroupSettings settings,
      Keyspace keyspace,
      MembershipState membership,
      AlarmState alarmState,
      EtcdMetrics metrics,
      Executor readExecutor,
      Executor maintenanceExecutor,
      Function<Source<WatchRequest, NotUsed>, Source<ResponseChunk, NotUsed>> watches,
      GroupPeers peers,
      Consumer<ReplicaMessage> replica,
      Consumer<LeaseKeeper.Message> keeper,
      Consumer<MemberId> onLeader) {
    this.identity = headers.identity();
    this.headers = headers;
    this.settings = settings;
    this.keyspace = keyspace;
    this.membership = membership;
    this.metrics = metrics;
    this.readExecutor = readExecutor;
    this.watches = watches;
    this.replica = replica;
    this.keeper = keeper;
    this.onLeader = onLeader;
    this.applied = headers.applied();
    this.gate = new ApplyGate(applied);
    this.committed = applied.get().index();
    long timeoutNanos = settings.requestTimeout().toNanos();
    this.proposals =
        new PendingProposals(
            identity.member(), System.currentTimeMillis(), timeoutNanos, this::whyLate);
    this.peers = peers;
    this.quota = new Quota(settings.safeguards().quotaBytes());
    this.alarms =
        new LocalAlarms(
            alarmState, command -> propose(command, AlarmResponse.Builder.class), metrics);
    this.maintenance = new LocalMaintenance(keyspace, identity.clusterId(), maintenanceExecutor);
    this.hashes = new PeerHashes(peers, maintenance);
    this.members =
        new LocalMembers(
            identity.member(),
            settings.memberRules(),
            membership,
            applied,
            () -> committed,
            proposals,
            leadership,
            peers,
            replica,
            settings.requestTimeout());
    this.leases =
        new LocalLeases(
            identity.member(),
            this,
            this::proposeUrgently,
            proposals,
            settings.leaseRules(),
            keyspace,
            applied,
            leadership,
            peers,
            readExecutor,
            keeper);
    this.reads =
        new ReadCoordinator(
            token -> replica.accept(new ReplicaMessage.ReadIndex(token)),
            applied,
            readExecutor,
            timeoutNanos,
            READ_INDEX_RESEND_NANOS,
            firstToken());
  }

  /** Tokens for the replica are counted from here; the bit of those for leases is not set. */
  private static long firstToken() {
    return (System.currentTimeMillis() << 20) & ~LEASE_TOKENS;
  }

  /** Where the lease keeper counts its tokens from. */
  static long firstLeaseToken() {
    return firstToken() | LEASE_TOKENS;
  }

  @Override
  public <T> CompletionStage<Outcome<T>> propose(Command.Builder command, Class<T> reply) {
    long id = proposals.nextId();
    Command proposal = command.setHeader(CommandHeader.newBuilder().setId(id)).build();
    if (proposal.getSerializedSize() > settings.maxRequestBytes()) {
      return refused(EtcdError.REQUEST_TOO_LARGE);
    }
    if (stalled) {
      return refused(EtcdError.NO_SPACE);
    }
    long now = System.nanoTime();
    CompletableFuture<Outcome<Object>> answer = proposals.await(id, now);
    if (!answer.isDone()) {
      gate.enter(
          proposal.getSerializedSize(),
          now,
          () ->
              replica.accept(
                  new ReplicaMessage.Propose(
                      new Proposal(id, EntryKind.COMMAND, proposal.toByteString()))),
          () -> {
            metrics.proposalsFailed.increment();
            proposals.complete(id, Outcome.refused(EtcdError.REQUEST_TOO_MANY_REQUESTS));
          });
    }
    return answer.thenCompose(this::whenAlarmed).thenApply(outcome -> outcome.map(reply::cast));
  }

  /** Who is told that there is no room finds the alarm raised, as in etcd. */
  private CompletionStage<Outcome<Object>> whenAlarmed(Outcome<Object> outcome) {
    return outcome instanceof Outcome.Refused<Object>(var error) && error == EtcdError.NO_SPACE
        ? alarms.settled(identity.member(), AlarmType.NOSPACE).handle((settled, failure) -> outcome)
        : CompletableFuture.completedFuture(outcome);
  }

  /** Proposes past the gate: what goes on under overload, and makes room. */
  <T> CompletionStage<Outcome<T>> proposeUrgently(Command.Builder command, Class<T> reply) {
    long id = proposals.nextId();
    Command proposal = command.setHeader(CommandHeader.newBuilder().setId(id)).build();
    if (stalled) {
      return refused(EtcdError.NO_SPACE);
    }
    CompletableFuture<Outcome<Object>> answer = proposals.awaitUrgent(id, System.nanoTime());
    if (!answer.isDone()) {
      replica.accept(
          new ReplicaMessage.Propose(new Proposal(id, EntryKind.COMMAND, proposal.toByteString())));
    }
    return answer.thenApply(outcome -> outcome.map(reply::cast));
  }

  private <T> CompletionStage<Outcome<T>> refused(EtcdError error) {
    metrics.proposalsFailed.increment();
    return CompletableFuture.completedFuture(Outcome.refused(error));
  }

  /** Why a proposal was not applied in time, as far as this member can tell; as etcd words it. */
  private EtcdError whyLate(long begunNanos) {
    long electionNanos = settings.electionTimeout().toNanos();
    MemberId leader = leadership.leader();
    if (leadership.electedWithin(2 * electionNanos, begunNanos)) {
      return EtcdError.TIMEOUT_DUE_TO_LEADER_FAIL;
    }
    if (leader.equals(MemberId.NONE)) {
      return EtcdError.TIMEOUT;
    }
    boolean connected =
        leader.equals(identity.member())
            ? Majority.holds(
                membership.configuration().voters(),
                voter -> voter.equals(leader) || connectedSince(voter, begunNanos))
            : connectedSince(leader, begunNanos);
    return connected ? EtcdError.TIMEOUT : EtcdError.TIMEOUT_DUE_TO_CONNECTION_LOST;
  }

  private boolean connectedSince(MemberId member, long nanos) {
    GroupPeers.Link link = peers.links().get(member);
    return link != null
        && link.connected()
        && link.connectedFor().toNanos() >= System.nanoTime() - nanos;
  }

  @Override
  public MemberId member() {
    return identity.member();
  }

  @Override
  public MemberAdministration members() {
    return members;
  }

  @Override
  public Maintenance maintenance() {
    return maintenance;
  }

  @Override
  public LocalLeases leases() {
    return leases;
  }

  @Override
  public LocalAlarms alarms() {
    return alarms;
  }

  @Override
  public boolean hasRoomFor(long costBytes) {
    return quota.allows(costBytes, keyspace.sizeBytes());
  }

  /** Something was applied that this member had no room for. */
  void quotaExceeded() {
    var unused = alarms.activate(identity.member(), AlarmType.NOSPACE);
  }

  Quota quota() {
    return quota;
  }

  @Override
  public CompletionStage<Outcome<Done>> linearizableBarrier() {
    return reads.barrier(System.nanoTime());
  }

  @Override
  public ReadView view() {
    return keyspace.view();
  }

  @Override
  public ResponseHeader header(long revision) {
    return headers.at(revision);
  }

  @Override
  public ResponseHeader header() {
    return headers.at(keyspace.currentRevision());
  }

  @Override
  public GroupStatus status() {
    LogPosition position = applied.get();
    Membership now = membership.get();
    KeyspaceStats stats = keyspace.stats();
    return new GroupStatus(
        identity.member(),
        identity.clusterId(),
        leadership.leader(),
        position.term(),
        Math.max(committed, position.index()),
        position.index(),
        standing() == Standing.LEARNER,
        keyspace.currentRevision(),
        now.getClusterVersion(),
        now.getDowngradeTarget(),
        LocalMembers.members(now),
        stats.sizeBytes(),
        stats.sizeInUseBytes());
  }

  @Override
  public MemberId leader() {
    return leadership.leader();
  }

  @Override
  public Standing standing() {
    return membership.standing(identity.member());
  }

  @Override
  public CompletionStage<Void> physicalCompaction() {
    return keyspace.physicalCompaction();
  }

  @Override
  public Source<ResponseChunk, NotUsed> watch(Source<WatchRequest, NotUsed> requests) {
    return watches.apply(requests);
  }

  @Override
  public Executor readExecutor() {
    return readExecutor;
  }

  LogIdentity identity() {
    return identity;
  }

  PendingProposals proposals() {
    return proposals;
  }

  /** What this member and the others tell each other of their records. */
  PeerHashes hashes() {
    return hashes;
  }

  /** Comparisons with the other members' records. */
  CorruptionCheck corruptionCheck() {
    return new CorruptionCheck(this, hashes, settings.requestTimeout());
  }

  LocalMembers administration() {
    return members;
  }

  @Override
  public void readIndex(long token, long index) {
    if ((token & LEASE_TOKENS) == 0) {
      reads.confirmed(token, index, System.nanoTime());
    } else {
      keeper.accept(new LeaseKeeper.Confirmed(token, index));
    }
  }

  @Override
  public void refused(long requestId, EtcdError error) {
    metrics.proposalsFailed.increment();
    proposals.complete(requestId, Outcome.refused(error));
  }

  @Override
  public void leader(MemberId next, long term) {
    MemberId before = leadership.leader();
    long now = System.nanoTime();
    leadership.changed(next, now);
    if (!next.equals(MemberId.NONE)) {
      log.info("member {} leads term {}", next, term);
    } else if (!before.equals(MemberId.NONE)) {
      log.info("member {} is not heard as the leader any more, term {}", before, term);
    }
    metrics.hasLeader.set(next.equals(MemberId.NONE) ? 0 : 1);
    metrics.isLeader.set(next.equals(identity.member()) ? 1 : 0);
    if (!next.equals(MemberId.NONE)) {
      metrics.leaderChangesSeen.increment();
    }
    keeper.accept(
        next.equals(identity.member()) ? new LeaseKeeper.Leads(term) : new LeaseKeeper.Follows());
    if (before.equals(MemberId.NONE)) {
      reads.leaderElected(now);
    } else {
      reads.failAll(EtcdError.LEADER_CHANGED);
    }
    onLeader.accept(next);
  }

  @Override
  public void committed(long index) {
    committed = index;
    metrics.proposalsCommitted.set(index);
  }

  /** Entries up to this one are the applier's. */
  void delivered(long index) {
    gate.delivered(index);
  }

  /** The keyspace's disk takes no writes: nothing more is proposed, or it does again. */
  void stalled(boolean now) {
    stalled = now;
  }

  /** Ends what waited too long. Called every tick. */
  void expire() {
    long now = System.nanoTime();
    proposals.expire(now);
    gate.expire(now);
    leadership.expire(now);
    reads.expire(now);
    metrics.proposalsPending.set(proposals.size());
    metrics.proposalsApplied.set(applied.get().index());
  }

  /** The process stops: nobody waits any longer. */
  void stop() {
    proposals.completeAll(EtcdError.STOPPED);
    reads.failAll(EtcdError.STOPPED);
  }
}
