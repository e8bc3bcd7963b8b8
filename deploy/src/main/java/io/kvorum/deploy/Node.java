package io.kvorum.deploy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvorum.actors.group.Group;
import io.kvorum.actors.group.GroupSupervisor;
import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.config.ServerConfig;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.persistence.mvcc.KeyspaceStats;
import io.kvorum.persistence.wal.WalJournalExtension;
import io.kvorum.server.GrpcServer;
import io.kvorum.server.TelemetryRpcMetrics;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadPoolExecutor;
import org.apache.pekko.Done;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.SpawnProtocol;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One running member: its directories, its group, its ports, and the order in which they start and
 * stop. The peer port opens beside everything else, the client port once the member is ready.
 * Stopping goes through Coordinated Shutdown, which the JVM runs on SIGTERM and SIGINT: leadership
 * is handed over first, and connections to the peers are the last to go.
 */
final class Node {
  private static final Logger log = LoggerFactory.getLogger(Node.class);

  /** How long calls that are under way may take when the process is asked to stop. */
  private static final Duration DRAIN_TIMEOUT = Duration.ofSeconds(2);

  private static final Duration SPAWN_TIMEOUT = Duration.ofSeconds(10);

  private final ServerConfig config;
  private final ActorSystem<SpawnProtocol.Command> system;
  private final Telemetry telemetry;
  private final CompletableFuture<Keyspace> keyspace;
  private final PeerListener peers;
  private final ThreadPoolExecutor readExecutor;
  private final GroupSupervisor.Lifecycle lifecycle = new GroupSupervisor.Lifecycle();

  private Node(
      ServerConfig config,
      ActorSystem<SpawnProtocol.Command> system,
      Telemetry telemetry,
      CompletableFuture<Keyspace> keyspace,
      PeerListener peers,
      ThreadPoolExecutor readExecutor) {
    this.config = config;
    this.system = system;
    this.telemetry = telemetry;
    this.keyspace = keyspace;
    this.peers = peers;
    this.readExecutor = readExecutor;
  }

  /**
   * Starts the member and returns when it serves clients.
   *
   * @throws StartException if it must not or cannot start; nothing runs any more then
   */
  static void start(ServerConfig config) {
    DataDirectory directory = DataDirectory.prepare(config);
    PeerListener.checkPort(config);
    KeyspaceOptions options = Settings.keyspace(config, directory);
    // Opening the keyspace waits for the disk, creating the actor system for class loading: side by
    // side.
    CompletableFuture<Keyspace> keyspace =
        CompletableFuture.supplyAsync(
            () -> Keyspace.open(directory.keyspace(), Settings.GROUP, options));
    Config pekko = ConfigFactory.load();
    PeerListener peers = PeerListener.open(config, pekko, keyspace);
    ActorSystem<SpawnProtocol.Command> system =
        ActorSystem.create(SpawnProtocol.create(), "kvorum", pekko);
    Telemetry telemetry = Telemetry.start();
    Node node =
        new Node(
            config,
            system,
            telemetry,
            keyspace,
            peers,
            ReadPool.create(config.tuning().readThreads()));
    try {
      Settings.openJournal(system, directory, config, options, telemetry);
      DamageWatch damage = new DamageWatch(node.lifecycle);
      damage.watch(WalJournalExtension.get(system).damage());
      keyspace.thenAccept(opened -> damage.watch(opened.damage()));
      node.serve();
    } catch (RuntimeException e) {
      node.stopAfterFailure();
      throw StartException.of(e);
    }
  }

  private void serve() {
    Keyspace opened = keyspace.join();
    mirror(opened);
    ActorRef<GroupSupervisor.Message> supervisor =
        spawn(
            GroupSupervisor.create(
                Settings.group(config),
                new GroupSupervisor.Environment(opened, telemetry, readExecutor, peers.group()),
                lifecycle));
    lifecycle.removed().thenAccept(Node::exitRemoved);
    CoordinatedShutdown shutdown = CoordinatedShutdown.get(system);
    shutdown.addTask(
        CoordinatedShutdown.PhaseBeforeServiceUnbind(),
        "hand-over-leadership",
        () -> handOver(supervisor));
    shutdown.addTask(
        CoordinatedShutdown.PhaseBeforeActorSystemTerminate(),
        "stop-group",
        () -> stopGroup(supervisor));
    Group group = awaitReady();
    GrpcServer server =
        GrpcServer.bind(
                system,
                Settings.listenAddresses(config),
                group,
                Settings.grpc(config),
                new TelemetryRpcMetrics(telemetry),
                telemetry::scrape)
            .toCompletableFuture()
            .join();
    shutdown.addTask(
        CoordinatedShutdown.PhaseServiceUnbind(),
        "close-client-port",
        () -> server.terminate(DRAIN_TIMEOUT).thenApply(done -> Done.getInstance()));
    log.atInfo()
        .addKeyValue("address", config.clientApi().listenClientUrls().toString())
        .log("ready to serve client requests");
    peers.discover();
  }

  /** The peer port must be open before clients are told that this member serves. */
  private Group awaitReady() {
    peers.failure().thenAccept(lifecycle.ready()::completeExceptionally);
    Group group = lifecycle.ready().join();
    peers.awaitOpen();
    return group;
  }

  private CompletionStage<Done> handOver(ActorRef<GroupSupervisor.Message> supervisor) {
    CompletableFuture<Done> done = new CompletableFuture<>();
    supervisor.tell(new GroupSupervisor.HandOver(done));
    return done;
  }

  /**
   * As etcd, which ends in order and with code 0. Not on the caller's thread: exiting waits for it.
   */
  private static void exitRemoved(String why) {
    log.warn("{}; remove its data directory", why);
    Thread.ofPlatform().name("removed").start(() -> System.exit(0));
  }

  private void mirror(Keyspace opened) {
    EtcdMetrics metrics = new EtcdMetrics(telemetry);
    metrics.quota(config.storage().quotaBytes());
    metrics.mirrorKeyspace(
        () -> {
          KeyspaceStats stats = opened.stats();
          return new EtcdMetrics.KeyspaceFigures(
              stats.puts(),
              stats.deletes(),
              stats.ranges(),
              stats.txns(),
              stats.liveKeys(),
              stats.putBytes(),
              stats.sizeBytes(),
              stats.sizeInUseBytes(),
              opened.currentRevision(),
              opened.compactedRevision());
        });
  }

  private <M> ActorRef<M> spawn(org.apache.pekko.actor.typed.Behavior<M> behavior) {
    CompletionStage<ActorRef<M>> spawned =
        AskPattern.ask(
            system,
            replyTo -> new SpawnProtocol.Spawn<>(behavior, "group-0", Props.empty(), replyTo),
            SPAWN_TIMEOUT,
            system.scheduler());
    return spawned.toCompletableFuture().join();
  }

  private CompletionStage<Done> stopGroup(ActorRef<GroupSupervisor.Message> supervisor) {
    supervisor.tell(new GroupSupervisor.Stop());
    return lifecycle
        .stopped()
        .thenCompose(done -> peers.close())
        .thenApply(
            done -> {
              readExecutor.shutdown();
              keyspace.thenAccept(Keyspace::close);
              log.info("stopped");
              return done;
            });
  }

  private void stopAfterFailure() {
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().join();
    peers.close().toCompletableFuture().join();
    readExecutor.shutdownNow();
    keyspace.thenAccept(Keyspace::close).exceptionally(failed -> null).join();
  }
}
