package io.kvorum.actors.group;

import com.google.protobuf.ByteString;
import io.kvorum.actors.apply.AlarmState;
import io.kvorum.actors.apply.AppliedIndex;
import io.kvorum.actors.apply.Applier;
import io.kvorum.actors.apply.EntryApplier;
import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.cluster.GroupPeers;
import io.kvorum.actors.cluster.PeerHandler;
import io.kvorum.actors.divergence.DivergenceWatch;
import io.kvorum.actors.lease.LeaseKeeper;
import io.kvorum.actors.raft.Ports;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.raft.Replica;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.actors.snapshot.SnapshotMessage;
import io.kvorum.actors.snapshot.SnapshotSettings;
import io.kvorum.actors.snapshot.Snapshots;
import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.actors.watch.WatchHub;
import io.kvorum.actors.watch.WatchPublisher;
import io.kvorum.actors.watch.WatchStreams;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.LeaseChange;
import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a group that runs, and what flows between them: replica, applier, watch hub, and the
 * connections to the peers.
 */
final class RunningGroup {
  /** The keyspace is made durable at the latest after this many bytes of applied entries. */
  private static final long SYNC_BYTES = 32L << 20;

  /** What the owner is told. Called on any thread; must not block. */
  interface Owner {
    void leader(MemberId leader);

    /** The membership, or the cluster's version, was changed or confirmed. */
    void membership(Membership membership);

    void removedSays(MemberId peer);
  }

  /**
   * What a group starts from.
   *
   * @param stored membership that the keyspace holds; {@code null} if nothing was applied yet
   * @param known members to talk to while this one is not part of the membership applied
   * @param alone whether everything in the log is committed, and this member the only voter,
   *     because the operator says so
   */
  record Start(
      LogIdentity identity,
      RecoveredLog log,
      @Nullable Membership stored,
      Membership known,
      boolean alone) {

    private Configuration configuration() {
      if (alone) {
        return Configuration.of(List.of(identity.member()), List.of());
      }
      return MembershipState.configuration(
          stored == null ? Bootstrap.membershipAtStart(log, identity.clusterId()) : stored);
    }
  }

  private final Start start;
  private final Owner owner;
  private final EtcdMetrics metrics;
  private final MembershipState membership;
  private final GroupPeers peers;
  private final LocalGroup local;
  private final ActorRef<ReplicaMessage> replica;
  private final ActorRef<Snapshots.Message> snapshots;
  private final ActorRef<LeaseKeeper.Message> keeper;
  private final Handler handler;
  private final CorruptionCheck check;

  RunningGroup(
      ActorContext<?> context,
      GroupSettings settings,
      GroupSupervisor.Environment environment,
      EtcdMetrics metrics,
      Ports.Wal wal,
      Consumer<LogPosition> replaceLog,
      Start start,
      Owner owner) {
    this.start = start;
    this.owner = owner;
    this.metrics = metrics;
    this.membership =
        new MembershipState(
            start.stored() == null
                ? Membership.newBuilder().setClusterId(start.identity().clusterId()).build()
                : start.stored());
    AlarmState alarms = new AlarmState(AlarmState.storedIn(environment.keyspace()));
    Handler handler = new Handler(environment.keyspace());
    this.peers = environment.peers().join(start.identity(), handler);
    tellPeers();
    AppliedIndex applied = new AppliedIndex(environment.keyspace().applied());
    ResponseHeaders headers = new ResponseHeaders(start.identity(), applied);
    WatchHub.Settings watchSettings =
        WatchHub.Settings.defaults()
            .with(settings.maxRequestBytes(), settings.watchProgressInterval());
    ActorRef<WatchHub.Message> hub =
        context.spawn(
            WatchHub.create(
                watchSettings,
                environment.keyspace()::view,
                environment.keyspace()::tellPreviousValues,
                environment.telemetry()),
            "watch-hub");
    WatchStreams watchStreams =
        new WatchStreams(
            watchSettings,
            environment.keyspace()::view,
            headers::at,
            context
                .getSystem()
                .dispatchers()
                .lookup(DispatcherSelector.fromConfig(WatchStreams.HISTORY_DISPATCHER)),
            metrics);
    watchStreams.show(environment.telemetry());
    this.local =
        new LocalGroup(
            headers,
            settings,
            environment.keyspace(),
            membership,
            alarms,
            metrics,
            environment.readExecutor(),
            context
                .getSystem()
                .dispatchers()
                .lookup(DispatcherSelector.fromConfig(LocalMaintenance.DISPATCHER)),
            requests -> watchStreams.open(hub, requests),
            peers,
            handler::tell,
            handler::tellKeeper,
            owner::leader);
    ActorRef<LeaseKeeper.Message> keeper =
        context.spawn(
            LeaseKeeper.create(
                settings.leaseRules(),
                new LeaseKeeper.Surroundings(
                    environment.keyspace()::leases,
                    applied,
                    token -> handler.tell(new ReplicaMessage.ReadIndex(token)),
                    command -> local.proposeUrgently(command, Boolean.class),
                    metrics),
                LocalGroup.firstLeaseToken()),
            "lease-keeper",
            DispatcherSelector.fromConfig(LeaseKeeper.DISPATCHER));
    ActorRef<Applier.Message> applier =
        context.spawn(
            Applier.create(
                environment.keyspace(),
                new EntryApplier(membership, alarms, local.quota(), local::quotaExceeded),
                local.proposals(),
                applied,
                new Applier.SyncPolicy(settings.syncEntries(), SYNC_BYTES),
                settings.warnApply(),
                new AppliedListener(
                    new WatchPublisher(hub::tell, watchSettings), local, keeper, handler)),
            "applier",
            DispatcherSelector.fromConfig("kvorum.apply-dispatcher"));
    this.snapshots =
        context.spawn(
            Snapshots.create(
                SnapshotSettings.from(context.getSystem().settings().config()),
                new Snapshots.Surroundings(
                    settings.group(),
                    start.identity().clusterId(),
                    environment.keyspace(),
                    peers,
                    handler::tell,
                    applier,
                    replaceLog,
                    environment.telemetry()),
                RandomGenerator.getDefault()),
            "snapshots");
    Ports ports =
        new Ports(
            peers,
            wal,
            entries -> {
              local.delivered(entries.getLast().index());
              applier.tell(new Applier.Apply(entries));
            },
            local,
            local,
            Snapshots.port(snapshots));
    this.replica =
        context.spawn(
            Replica.create(
                start.identity().member(),
                settings.raft(),
                RandomGenerator.getDefault(),
                start.log().hardState(),
                raftLog(environment.keyspace().applied()),
                start.configuration(),
                ports),
            "replica",
            DispatcherSelector.fromConfig("kvorum.raft-dispatcher"));
    this.keeper = keeper;
    this.handler = handler;
    // From now on the others' questions are answered, though this member takes no part yet.
    handler.group = local;
    this.check = local.corruptionCheck();
    GroupSettings.Safeguards safeguards = settings.safeguards();
    if (safeguards.checkInterval().isPositive()
        || safeguards.compactionCheckInterval().isPositive()) {
      context.spawn(CorruptionMonitor.create(safeguards, local, check), "corruption-monitor");
    }
    CompactionSchedule compactions = CompactionSchedule.of(settings.retention());
    if (compactions != null) {
      context.spawn(AutoCompactor.create(compactions, local), "auto-compactor");
    }
    context.spawn(
        DivergenceWatch.create(
            new WatchedGroup(
                start.identity().member(),
                local,
                membership,
                environment.keyspace(),
                new GroupQuestions(peers)),
            environment.telemetry()),
        "divergence-watch");
  }

  /** To be called before {@link #begin}; see {@link CorruptionCheck#initially}. */
  CompletionStage<Done> checkInitially() {
    return check.initially();
  }

  /** Lets it run. The owner passes on by now what the log's actor tells the replica. */
  void begin(boolean hurry) {
    handler.keeper = keeper;
    handler.replica = replica;
    handler.snapshots = snapshots;
    replica.tell(new ReplicaMessage.Start(hurry));
  }

  private RaftLog raftLog(LogPosition applied) {
    RecoveredLog log = start.log();
    RaftLog raftLog = new RaftLog(log.base(), log.entries(), applied.index());
    if (start.alone()) {
      raftLog.commitTo(log.lastIndex());
    }
    return raftLog;
  }

  long lastIndexAtStart() {
    return start.log().lastIndex();
  }

  LogIdentity identity() {
    return start.identity();
  }

  LocalGroup local() {
    return local;
  }

  GroupPeers peers() {
    return peers;
  }

  ActorRef<ReplicaMessage> replica() {
    return replica;
  }

  /** The log's actor was started anew; its log ends here. */
  void storageRecovered(LogPosition last) {
    replica.tell(new ReplicaMessage.StorageRecovered(last));
    snapshots.tell(new Snapshots.LogRestarted());
  }

  /** The log is empty and begins behind this position. */
  void logReplaced(LogPosition base) {
    snapshots.tell(new Snapshots.LogReplaced(base));
  }

  Membership membership() {
    return membership.get();
  }

  /**
   * Lets the connections follow the membership. A member that still reads how the cluster came to
   * be goes on talking to those that it was told of when it joined.
   */
  void tellPeers() {
    Membership applied = membership.get();
    long self = start.identity().member().value();
    boolean partOfIt =
        applied.getRemovedIdsList().contains(self)
            || applied.getMembersList().stream().anyMatch(member -> member.getId() == self);
    peers.members(partOfIt ? applied : start.known());
  }

  boolean isRemoved() {
    return membership.get().getRemovedIdsList().contains(start.identity().member().value());
  }

  void close() {
    peers.close();
    local.stop();
  }

  /** Hears the peers; what comes before the replica has started is lost, as on any network. */
  private final class Handler implements PeerHandler {
    private final Keyspace keyspace;
    private volatile @Nullable LocalGroup group;
    private volatile @Nullable ActorRef<ReplicaMessage> replica;
    private volatile @Nullable ActorRef<Snapshots.Message> snapshots;
    private volatile @Nullable ActorRef<LeaseKeeper.Message> keeper;

    Handler(Keyspace keyspace) {
      this.keyspace = keyspace;
    }

    void tell(ReplicaMessage message) {
      ActorRef<ReplicaMessage> started = replica;
      if (started != null) {
        started.tell(message);
      }
    }

    void tellKeeper(LeaseKeeper.Message message) {
      ActorRef<LeaseKeeper.Message> started = keeper;
      if (started != null) {
        started.tell(message);
      }
    }

    @Override
    public void raft(MemberId from, RaftMessage message) {
      tell(new ReplicaMessage.FromPeer(from, message));
    }

    @Override
    public void snapshot(MemberId from, SnapshotMessage message) {
      ActorRef<Snapshots.Message> started = snapshots;
      if (started != null) {
        started.tell(new Snapshots.FromPeer(from, message));
      }
    }

    @Override
    public CompletionStage<ByteString> question(MemberId from, ByteString body) {
      LocalGroup started = group;
      return started == null
          ? CompletableFuture.failedFuture(new IllegalStateException("not started yet"))
          : GroupQuestions.answer(
              keyspace, started.hashes(), started.leases(), started.administration(), body);
    }

    @Override
    public void removed(MemberId toldBy) {
      owner.removedSays(toldBy);
    }

    @Override
    public void unreachable(MemberId member) {
      tell(new ReplicaMessage.PeerUnreachable(member));
    }
  }

  /** What the applier reports. */
  private final class AppliedListener implements Applier.Listener {
    private final WatchPublisher publisher;
    private final LocalGroup group;
    private final ActorRef<LeaseKeeper.Message> keeper;
    private final Handler handler;

    AppliedListener(
        WatchPublisher publisher,
        LocalGroup group,
        ActorRef<LeaseKeeper.Message> keeper,
        Handler handler) {
      this.publisher = publisher;
      this.group = group;
      this.keeper = keeper;
      this.handler = handler;
    }

    @Override
    public void events(List<RevisionEvents> revisions) {
      if (!revisions.isEmpty()) {
        publisher.publish(revisions);
      }
    }

    @Override
    public void leases(long index, List<LeaseChange> changes) {
      keeper.tell(new LeaseKeeper.Changed(index, changes));
    }

    @Override
    public void configuration(Configuration configuration, long index) {
      handler.tell(new ReplicaMessage.ConfigurationApplied(configuration, index));
      owner.membership(membership.get());
    }

    @Override
    public void alarms() {
      group.alarms().changed();
    }

    @Override
    public void replaced(long currentRevision) {
      publisher.jump(currentRevision);
      keeper.tell(new LeaseKeeper.Replaced());
      group.alarms().changed();
      owner.membership(membership.get());
    }

    @Override
    public void slow() {
      metrics.slowApplies.increment();
    }

    @Override
    public void stalled(boolean stalled) {
      group.stalled(stalled);
    }

    @Override
    public void durable(LogPosition position) {
      handler.tell(new ReplicaMessage.DurablyApplied(position.index()));
    }
  }
}
