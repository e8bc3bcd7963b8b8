package io.kvorum.actors.group;

import io.kvorum.actors.apply.AppliedIndex;
import io.kvorum.actors.apply.Applier;
import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.Ports;
import io.kvorum.actors.raft.Replica;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.actors.wal.WalActor;
import io.kvorum.actors.watch.WatchHub;
import io.kvorum.actors.watch.WatchPublisher;
import io.kvorum.actors.watch.WatchStreams;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.ClusterVersion;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.MemberAttributes;
import io.kvorum.protocol.internal.Membership;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.random.RandomGenerator;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a group up and keeps it up: recovers the log, checks that it belongs to the keyspace,
 * starts replica, applier and watch hub, publishes the member's attributes, and starts the log's
 * actor anew when its disk failed.
 */
public final class GroupSupervisor extends AbstractBehavior<GroupSupervisor.Message> {
  private static final Logger log = LoggerFactory.getLogger(GroupSupervisor.class);
  private static final Duration WAL_RETRY_DELAY = Duration.ofSeconds(1);
  private static final Duration PUBLISH_RETRY_DELAY = Duration.ofMillis(500);

  /** The version that a cluster of this release agrees on. */
  private static final String CLUSTER_VERSION = "3.7.0";

  /** The keyspace is made durable at the latest after this many bytes of applied entries. */
  private static final long SYNC_BYTES = 32L << 20;

  /** What the supervisor is told. */
  public sealed interface Message {}

  private record FromWal(WalActor.Event event) implements Message {}

  private record Tick() implements Message {}

  private record RestartWal() implements Message {}

  private record LeaderChanged(MemberId leader) implements Message {}

  private record PublishAgain() implements Message {}

  private record AttributesPublished(Outcome<Membership> outcome) implements Message {}

  private record VersionDecided(Outcome<Membership> outcome) implements Message {}

  /** Ends the group; callers that wait are told {@code server stopped}. */
  public record Stop() implements Message {}

  private final TimerScheduler<Message> timers;
  private final GroupSettings settings;
  private final Keyspace keyspace;
  private final Telemetry telemetry;
  private final EtcdMetrics metrics;
  private final Executor readExecutor;
  private final Ports.RaftTransport transport;
  private final CompletableFuture<Group> ready;
  private final CompletableFuture<Done> stopped;

  private volatile org.apache.pekko.actor.ActorRef wal;
  private @Nullable LogIdentity identity;
  private volatile @Nullable LocalGroup group;
  private volatile @Nullable ActorRef<ReplicaMessage> replica;
  private boolean published;

  private GroupSupervisor(
      ActorContext<Message> context,
      TimerScheduler<Message> timers,
      GroupSettings settings,
      Keyspace keyspace,
      Telemetry telemetry,
      Executor readExecutor,
      Ports.RaftTransport transport,
      CompletableFuture<Group> ready,
      CompletableFuture<Done> stopped) {
    super(context);
    this.timers = timers;
    this.settings = settings;
    this.keyspace = keyspace;
    this.telemetry = telemetry;
    this.metrics = new EtcdMetrics(telemetry);
    this.readExecutor = readExecutor;
    this.transport = transport;
    this.ready = ready;
    this.stopped = stopped;
    this.wal = spawnWal();
  }

  /**
   * @param ready completes with the group when it serves, or fails with what forbids to start
   * @param stopped completes when the group and all its actors have ended
   */
  public static Behavior<Message> create(
      GroupSettings settings,
      Keyspace keyspace,
      Telemetry telemetry,
      Executor readExecutor,
      Ports.RaftTransport transport,
      CompletableFuture<Group> ready,
      CompletableFuture<Done> stopped) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers ->
                    new GroupSupervisor(
                        context,
                        timers,
                        settings,
                        keyspace,
                        telemetry,
                        readExecutor,
                        transport,
                        ready,
                        stopped)));
  }

  private org.apache.pekko.actor.ActorRef spawnWal() {
    ActorRef<Message> self = getContext().getSelf();
    return Adapter.actorOf(
        getContext(),
        WalActor.props(settings.group(), event -> onWalEvent(self, event))
            .withDispatcher("kvorum.raft-dispatcher"));
  }

  /** Called on the log actor's thread: what the replica waits for takes the short way. */
  private void onWalEvent(ActorRef<Message> self, WalActor.Event event) {
    ActorRef<ReplicaMessage> started = replica;
    if (event instanceof WalActor.Written(var persisted) && started != null) {
      started.tell(persisted);
    } else {
      self.tell(new FromWal(event));
    }
  }

  @Override
  public Receive<Message> createReceive() {
    return newReceiveBuilder()
        .onMessage(Message.class, this::onMessage)
        .onSignal(PostStop.class, signal -> onStopped())
        .build();
  }

  private Behavior<Message> onStopped() {
    if (group != null) {
      group.stop();
    }
    stopped.complete(Done.getInstance());
    return this;
  }

  private Behavior<Message> onMessage(Message message) {
    switch (message) {
      case FromWal(var event) -> onWal(event);
      case Tick tick -> onTick();
      case RestartWal restart -> wal = spawnWal();
      case LeaderChanged(var leader) -> onLeader(leader);
      case PublishAgain again -> publish();
      case AttributesPublished(var outcome) -> onAttributesPublished(outcome);
      case VersionDecided(var outcome) -> onVersionDecided(outcome);
      case Stop stop -> {
        return Behaviors.stopped();
      }
    }
    return this;
  }

  private void onWal(WalActor.Event event) {
    switch (event) {
      case WalActor.Recovered(var recovered) -> onRecovered(recovered);
      case WalActor.RecoveryFailed(var cause) -> onRecoveryFailed(cause);
      case WalActor.WriteFailed(var cause) -> onWriteFailed(cause);
      case WalActor.Written(var persisted) -> onBootstrapWritten();
    }
  }

  private void onRecovered(RecoveredLog recovered) {
    if (replica != null) {
      log.info(
          "the write-ahead log takes writes again, it ends at entry {}", recovered.lastIndex());
      replica.tell(new ReplicaMessage.StorageRecovered(recovered.last()));
      return;
    }
    try {
      Membership membership = Bootstrap.storedMembership(keyspace);
      Bootstrap.check(settings, recovered, keyspace, membership);
      LogIdentity known = recovered.identity();
      identity = known == null ? Bootstrap.newIdentity(settings) : known;
      if (recovered.lastIndex() == 0) {
        bootstrap(identity, known == null);
      } else {
        startReplica(identity, recovered, membership);
      }
    } catch (RuntimeException e) {
      ready.completeExceptionally(e);
    }
  }

  /** Writes what a new log begins with; the replica starts when it is on disk. */
  private void bootstrap(LogIdentity own, boolean isNew) {
    if (isNew) {
      wal.tell(new WalActor.Initialise(own), org.apache.pekko.actor.ActorRef.noSender());
    }
    List<Entry> first = Bootstrap.firstEntries(settings);
    wal.tell(
        new WalActor.Write(bootstrapState(), first, List.of()),
        org.apache.pekko.actor.ActorRef.noSender());
  }

  private static HardState bootstrapState() {
    return new HardState(Bootstrap.BOOTSTRAP_TERM, MemberId.NONE);
  }

  private void onBootstrapWritten() {
    if (replica == null && identity != null) {
      List<Entry> first = Bootstrap.firstEntries(settings);
      startReplica(
          identity, new RecoveredLog(identity, bootstrapState(), LogPosition.ZERO, first), null);
    }
  }

  private void startReplica(
      LogIdentity own, RecoveredLog recovered, @Nullable Membership storedMembership) {
    Membership initial =
        storedMembership == null
            ? Membership.newBuilder().setClusterId(own.clusterId()).build()
            : storedMembership;
    MembershipState membership = new MembershipState(initial);
    Configuration configuration =
        storedMembership == null
            ? Bootstrap.initialConfiguration(settings)
            : membership.configuration();
    AppliedIndex applied = new AppliedIndex(keyspace.applied());
    ActorRef<Message> self = getContext().getSelf();
    ResponseHeaders headers = new ResponseHeaders(own, applied);
    WatchHub.Settings watchSettings =
        WatchHub.Settings.defaults()
            .with(settings.maxRequestBytes(), settings.watchProgressInterval());
    ActorRef<WatchHub.Message> hub =
        getContext()
            .spawn(
                WatchHub.create(watchSettings, keyspace::view, keyspace::tellPreviousValues),
                "watch-hub");
    LocalGroup local =
        new LocalGroup(
            headers,
            settings,
            keyspace,
            membership,
            metrics,
            readExecutor,
            new WatchStreams(
                hub, watchSettings, keyspace::view, headers::at, readExecutor, telemetry),
            message -> replicaRef().tell(message),
            leader -> self.tell(new LeaderChanged(leader)));
    group = local;
    ActorRef<Applier.Message> applier =
        getContext()
            .spawn(
                Applier.create(
                    keyspace,
                    membership,
                    local.proposals(),
                    applied,
                    new Applier.SyncPolicy(settings.syncEntries(), SYNC_BYTES),
                    settings.warnApply(),
                    new AppliedListener(new WatchPublisher(hub, watchSettings))),
                "applier",
                DispatcherSelector.fromConfig("kvorum.apply-dispatcher"));
    RaftLog raftLog =
        new RaftLog(recovered.base(), recovered.entries(), keyspace.applied().index());
    Ports ports =
        new Ports(
            transport,
            new WalPort(),
            entries -> applier.tell(new Applier.Apply(entries)),
            local,
            local,
            new NoSnapshots());
    replica =
        getContext()
            .spawn(
                Replica.create(
                    own.member(),
                    settings.raft(),
                    RandomGenerator.getDefault(),
                    recovered.hardState(),
                    raftLog,
                    configuration,
                    ports),
                "replica",
                DispatcherSelector.fromConfig("kvorum.raft-dispatcher"));
    replica.tell(new ReplicaMessage.Start());
    timers.startTimerWithFixedDelay(new Tick(), settings.tick());
    metrics.identify(own.member().toString(), "3.7.1");
  }

  private ActorRef<ReplicaMessage> replicaRef() {
    ActorRef<ReplicaMessage> ref = replica;
    if (ref == null) {
      throw new IllegalStateException("the replica has not started");
    }
    return ref;
  }

  private void onRecoveryFailed(Throwable cause) {
    if (replica == null) {
      ready.completeExceptionally(cause);
    } else {
      log.error("the write-ahead log cannot be read again, trying in {}", WAL_RETRY_DELAY, cause);
      timers.startSingleTimer(new RestartWal(), WAL_RETRY_DELAY);
    }
  }

  private void onWriteFailed(Throwable cause) {
    log.error(
        "writing the write-ahead log failed, writes are refused until it works again: {}",
        cause.getMessage());
    if (replica == null) {
      ready.completeExceptionally(cause);
    } else {
      replica.tell(new ReplicaMessage.StorageFailed(String.valueOf(cause.getMessage())));
      timers.startSingleTimer(new RestartWal(), WAL_RETRY_DELAY);
    }
  }

  private void onTick() {
    replicaRef().tell(new ReplicaMessage.Tick());
    if (group != null) {
      group.expire();
    }
  }

  private void onLeader(MemberId leader) {
    if (!leader.equals(MemberId.NONE)) {
      publish();
    }
  }

  /**
   * Tells the cluster this member's name and client URLs, through the log; ready only after that.
   */
  private void publish() {
    LocalGroup local = group;
    if (published || local == null) {
      return;
    }
    Command.Builder command =
        Command.newBuilder()
            .setMemberAttributes(
                MemberAttributes.newBuilder()
                    .setMemberId(local.identity().member().value())
                    .setName(settings.memberName())
                    .addAllClientUrls(settings.clientUrls()));
    pipe(local.propose(command, Membership.class), AttributesPublished::new);
  }

  private void onAttributesPublished(Outcome<Membership> outcome) {
    switch (outcome) {
      case Outcome.Refused<Membership> refused -> publishLater(refused);
      case Outcome.Ok<Membership>(var membership) -> {
        published = true;
        log.info("published local member to cluster through raft");
        if (membership.getClusterVersion().isEmpty()) {
          decideVersion();
        } else {
          serve(membership);
        }
      }
    }
  }

  private void publishLater(Outcome.Refused<Membership> refused) {
    log.warn("publishing this member failed, trying again: {}", refused.error().text());
    timers.startSingleTimer(new PublishAgain(), PUBLISH_RETRY_DELAY);
  }

  private void decideVersion() {
    Command.Builder command =
        Command.newBuilder()
            .setClusterVersion(ClusterVersion.newBuilder().setVersion(CLUSTER_VERSION));
    if (group != null) {
      pipe(group.propose(command, Membership.class), VersionDecided::new);
    }
  }

  private void onVersionDecided(Outcome<Membership> outcome) {
    switch (outcome) {
      case Outcome.Refused<Membership> refused -> {
        published = false;
        publishLater(refused);
      }
      case Outcome.Ok<Membership>(var membership) -> serve(membership);
    }
  }

  private void serve(Membership membership) {
    metrics.clusterVersion("", membership.getClusterVersion());
    if (group != null) {
      ready.complete(group);
    }
  }

  private <T> void pipe(
      CompletionStage<Outcome<T>> stage, java.util.function.Function<Outcome<T>, Message> message) {
    getContext()
        .pipeToSelf(
            stage,
            (outcome, failure) -> {
              if (failure != null) {
                throw new IllegalStateException("a proposal of this member failed", failure);
              }
              return message.apply(outcome);
            });
  }

  /** The replica's way to the log's actor, whichever lives now. */
  private final class WalPort implements Ports.Wal {
    @Override
    public void write(HardState hardState, List<Entry> entries, List<Ports.Envelope> release) {
      wal.tell(
          new WalActor.Write(hardState, entries, release),
          org.apache.pekko.actor.ActorRef.noSender());
    }

    @Override
    public void compact(LogPosition base) {
      wal.tell(new WalActor.Compact(base), org.apache.pekko.actor.ActorRef.noSender());
    }
  }

  /** A group of one has nobody to send a snapshot to. */
  private static final class NoSnapshots implements Ports.Snapshots {
    @Override
    public void send(MemberId to, long term) {}

    @Override
    public void install(LogPosition at) {}

    @Override
    public void discard(LogPosition at) {}
  }

  /** What the applier reports. */
  private final class AppliedListener implements Applier.Listener {
    private final WatchPublisher publisher;

    AppliedListener(WatchPublisher publisher) {
      this.publisher = publisher;
    }

    @Override
    public void events(List<RevisionEvents> revisions) {
      if (!revisions.isEmpty()) {
        publisher.publish(revisions);
      }
    }

    @Override
    public void configuration(Configuration configuration, long index) {
      replicaRef().tell(new ReplicaMessage.ConfigurationApplied(configuration, index));
    }

    @Override
    public void slow() {
      metrics.slowApplies.increment();
    }

    @Override
    public void stalled(boolean stalled) {
      if (group != null) {
        group.stalled(stalled);
      }
    }

    @Override
    public void durable(LogPosition position) {
      replicaRef().tell(new ReplicaMessage.DurablyApplied(position.index()));
    }
  }
}
