package io.kvorum.actors.group;

import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.Ports;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.membership.Standing;
import io.kvorum.actors.snapshot.InterruptedInstall;
import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.actors.wal.WalActor;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
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
 * Brings a group up and keeps it up: recovers the log, decides with what the peers say how to
 * begin, starts the group's parts, starts the log's actor anew when its disk failed, and ends the
 * group when the cluster has removed this member.
 */
public final class GroupSupervisor extends AbstractBehavior<GroupSupervisor.Message> {
  private static final Logger log = LoggerFactory.getLogger(GroupSupervisor.class);
  private static final Duration WAL_RETRY_DELAY = Duration.ofSeconds(1);

  /** A removed member answers this much longer, as etcd's. */
  private static final Duration LINGER = Duration.ofSeconds(1);

  /** What the supervisor is told. */
  public sealed interface Message {}

  private record FromWal(WalActor.Event event) implements Message {}

  private record Tick() implements Message {}

  private record RestartWal() implements Message {}

  private record LeaderChanged(MemberId leader) implements Message {}

  private record MembershipApplied(Membership membership) implements Message {}

  private record Planned(Beginning.Plan plan) implements Message {}

  /** Its records are those of the other members, as far as they can be compared. */
  private record Checked(RunningGroup running) implements Message {}

  private record StartRefused(Throwable cause) implements Message {}

  private record RemovedSays(MemberId peer) implements Message {}

  private record LingerOver() implements Message {}

  /**
   * Gives leadership away, if this member has it; done when another one leads, or after an election
   * timeout.
   */
  public record HandOver(CompletableFuture<Done> done) implements Message {}

  /** Ends the group; callers that wait are told {@code server stopped}. */
  public record Stop() implements Message {}

  /** What a group stands on. */
  public record Environment(
      Keyspace keyspace, Telemetry telemetry, Executor readExecutor, Peers peers) {}

  /**
   * What becomes of a group.
   *
   * @param ready completes with the group when it serves, or fails with what forbids to start
   * @param removed completes with the reason when the process has to end because the cluster has
   *     removed this member
   * @param stopped completes when the group and all its actors have ended
   */
  public record Lifecycle(
      CompletableFuture<Group> ready,
      CompletableFuture<String> removed,
      CompletableFuture<Done> stopped) {
    public Lifecycle() {
      this(new CompletableFuture<>(), new CompletableFuture<>(), new CompletableFuture<>());
    }
  }

  private final TimerScheduler<Message> timers;
  private final GroupSettings settings;
  private final Environment environment;
  private final EtcdMetrics metrics;
  private final Lifecycle lifecycle;

  private volatile org.apache.pekko.actor.ActorRef wal;
  private RunningGroup.@Nullable Start starting;
  private volatile @Nullable RunningGroup group;
  private @Nullable ActorRef<Publisher.Message> publisher;

  /** The log as it will be when an installation that was interrupted is completed. */
  private @Nullable RecoveredLog interrupted;

  private boolean removed;
  private String clusterVersion = "";

  private GroupSupervisor(
      ActorContext<Message> context,
      TimerScheduler<Message> timers,
      GroupSettings settings,
      Environment environment,
      Lifecycle lifecycle) {
    super(context);
    this.timers = timers;
    this.settings = settings;
    this.environment = environment;
    this.metrics = new EtcdMetrics(environment.telemetry());
    this.lifecycle = lifecycle;
    this.wal = spawnWal();
  }

  public static Behavior<Message> create(
      GroupSettings settings, Environment environment, Lifecycle lifecycle) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new GroupSupervisor(context, timers, settings, environment, lifecycle)));
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
    RunningGroup running = group;
    if (event instanceof WalActor.Written(var persisted) && running != null) {
      running.replica().tell(persisted);
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
      group.close();
    }
    lifecycle.stopped().complete(Done.getInstance());
    return this;
  }

  private Behavior<Message> onMessage(Message message) {
    switch (message) {
      case FromWal(var event) -> onWal(event);
      case Tick tick -> onTick();
      case RestartWal restart -> wal = spawnWal();
      case LeaderChanged(var leader) -> onLeader(leader);
      case MembershipApplied(var membership) -> onMembership(membership);
      case Planned(var plan) -> begin(plan);
      case Checked(var running) -> run(running);
      case StartRefused(var cause) -> onStartRefused(cause);
      case RemovedSays(var peer) ->
          endRemoved("member " + peer + " says that this member was removed from the cluster");
      case LingerOver over ->
          lifecycle.removed().complete("the member has been permanently removed from the cluster");
      case HandOver(var done) -> handOver(done);
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
      case WalActor.Written(var persisted) -> onWritten(persisted);
      case WalActor.Replaced(var base) -> onLogReplaced(base);
    }
  }

  private void onRecovered(RecoveredLog recovered) {
    RunningGroup running = group;
    if (running != null) {
      log.info(
          "the write-ahead log takes writes again, it ends at entry {}", recovered.lastIndex());
      running.storageRecovered(recovered.last());
      return;
    }
    try {
      Keyspace keyspace = environment.keyspace();
      Membership stored = Bootstrap.storedMembership(keyspace);
      Bootstrap.check(settings, recovered, keyspace, stored);
      Optional<LogPosition> base = InterruptedInstall.replaceLogAt(keyspace, recovered);
      if (base.isPresent()) {
        log.info("a snapshot was being installed when this member ended: it is completed");
        interrupted = InterruptedInstall.replaced(recovered, base.get());
        wal.tell(new WalActor.Replace(base.get()), org.apache.pekko.actor.ActorRef.noSender());
        return;
      }
      keyspace.installFinished();
      pipe(new Beginning(settings, environment).plan(recovered, stored).thenApply(Planned::new));
    } catch (RuntimeException e) {
      onStartRefused(e);
    }
  }

  private void onStartRefused(Throwable cause) {
    if (cause instanceof Bootstrap.RemovedException removal) {
      endRemoved(String.valueOf(removal.getMessage()));
    } else {
      lifecycle.ready().completeExceptionally(cause);
    }
  }

  private void onLogReplaced(LogPosition base) {
    if (group != null) {
      group.logReplaced(base);
    } else if (interrupted != null) {
      RecoveredLog completed = interrupted;
      interrupted = null;
      onRecovered(completed);
    }
  }

  /** Writes what the log must hold first; the group starts when it is on disk. */
  private void begin(Beginning.Plan plan) {
    if (plan.initialise()) {
      wal.tell(
          new WalActor.Initialise(plan.start().identity()),
          org.apache.pekko.actor.ActorRef.noSender());
    }
    if (plan.write().isEmpty()) {
      start(plan.start());
    } else {
      starting = plan.start();
      wal.tell(
          new WalActor.Write(plan.start().log().hardState(), plan.write(), List.of()),
          org.apache.pekko.actor.ActorRef.noSender());
    }
  }

  private void onWritten(ReplicaMessage.Persisted persisted) {
    if (group != null) {
      group.replica().tell(persisted);
    } else if (starting != null) {
      start(starting);
    }
  }

  private void start(RunningGroup.Start from) {
    starting = null;
    ActorRef<Message> self = getContext().getSelf();
    RunningGroup running =
        new RunningGroup(
            getContext(),
            settings,
            environment,
            metrics,
            new WalPort(),
            base ->
                wal.tell(new WalActor.Replace(base), org.apache.pekko.actor.ActorRef.noSender()),
            from,
            new Owner(self));
    group = running;
    if (settings.safeguards().initialCheck()) {
      pipe(running.checkInitially().thenApply(equal -> new Checked(running)));
    } else {
      run(running);
    }
  }

  /** The member takes part from now on. */
  private void run(RunningGroup running) {
    publisher = spawnPublisher(running);
    running.begin(settings.electionTickAdvance());
    timers.startTimerWithFixedDelay(new Tick(), settings.tick());
    metrics.identify(running.identity().member().toString(), settings.serverVersion());
    log.info(
        "member {} of cluster {} starts with a log up to entry {}",
        running.identity().member(),
        Long.toHexString(running.identity().clusterId()),
        running.lastIndexAtStart());
  }

  private ActorRef<Publisher.Message> spawnPublisher(RunningGroup running) {
    Runnable ready = () -> lifecycle.ready().complete(running.local());
    var spawned = getContext().spawn(Publisher.create(settings, running, ready), "publisher");
    getContext().watch(spawned);
    return spawned;
  }

  private void onRecoveryFailed(Throwable cause) {
    if (group == null) {
      lifecycle.ready().completeExceptionally(cause);
    } else {
      log.error("the write-ahead log cannot be read again, trying in {}", WAL_RETRY_DELAY, cause);
      timers.startSingleTimer(new RestartWal(), WAL_RETRY_DELAY);
    }
  }

  private void onWriteFailed(Throwable cause) {
    log.error(
        "writing the write-ahead log failed, writes are refused until it works again: {}",
        cause.getMessage());
    if (group == null) {
      lifecycle.ready().completeExceptionally(cause);
    } else {
      group.replica().tell(new ReplicaMessage.StorageFailed(String.valueOf(cause.getMessage())));
      timers.startSingleTimer(new RestartWal(), WAL_RETRY_DELAY);
    }
  }

  private void onTick() {
    if (group != null) {
      group.replica().tell(new ReplicaMessage.Tick());
      group.local().expire();
    }
  }

  private void onLeader(MemberId leader) {
    if (publisher != null && !leader.equals(MemberId.NONE)) {
      publisher.tell(new Publisher.LeaderKnown());
    }
  }

  private void onMembership(Membership membership) {
    RunningGroup running = group;
    if (running == null) {
      return;
    }
    running.tellPeers();
    metrics.isLearner.set(running.local().standing() == Standing.LEARNER ? 1 : 0);
    if (!membership.getClusterVersion().equals(clusterVersion)) {
      metrics.clusterVersion(clusterVersion, membership.getClusterVersion());
      clusterVersion = membership.getClusterVersion();
    }
    if (running.isRemoved()) {
      endRemoved("this member was removed from the cluster");
    }
  }

  /** Answers a little longer, so that who asked for the removal hears of it. */
  private void endRemoved(String why) {
    if (!removed) {
      removed = true;
      log.warn("{}; the process ends, and its data directory cannot be used any more", why);
      timers.startSingleTimer(new LingerOver(), LINGER);
    }
  }

  private void handOver(CompletableFuture<Done> done) {
    if (group == null) {
      done.complete(Done.getInstance());
    } else {
      group
          .local()
          .administration()
          .handOver(settings.electionTimeout())
          .thenAccept(done::complete);
    }
  }

  private void pipe(CompletionStage<? extends Message> stage) {
    getContext()
        .pipeToSelf(
            stage,
            (message, failure) -> {
              if (failure == null) {
                return message;
              }
              return new StartRefused(
                  failure instanceof CompletionException wrapped && wrapped.getCause() != null
                      ? wrapped.getCause()
                      : failure);
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

  /** What the group's parts report, as messages. */
  private record Owner(ActorRef<Message> self) implements RunningGroup.Owner {
    @Override
    public void leader(MemberId leader) {
      self.tell(new LeaderChanged(leader));
    }

    @Override
    public void membership(Membership membership) {
      self.tell(new MembershipApplied(membership));
    }

    @Override
    public void removedSays(MemberId peer) {
      self.tell(new RemovedSays(peer));
    }
  }
}
