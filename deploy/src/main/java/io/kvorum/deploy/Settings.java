package io.kvorum.deploy;

import io.kvorum.actors.group.GroupSettings;
import io.kvorum.actors.group.HistoryRetention;
import io.kvorum.actors.raft.RaftSettings;
import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.config.EndpointUrl;
import io.kvorum.config.ServerConfig;
import io.kvorum.persistence.leveldb.LevelDbOptions;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.persistence.wal.WalJournalExtension;
import io.kvorum.persistence.wal.WalSettings;
import io.kvorum.protocol.GroupId;
import io.kvorum.server.EtcdVersion;
import io.kvorum.server.GrpcServerOptions;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import org.apache.pekko.actor.typed.ActorSystem;

/** From what the operator wrote to what each room wants to know. */
final class Settings {
  static final GroupId GROUP = GroupId.DEFAULT;

  private static final Duration DEFAULT_WATCH_PROGRESS_INTERVAL = Duration.ofMinutes(10);

  private static final long WAL_STOPS_EARLIER_BYTES = 64L << 20;

  private Settings() {}

  static GroupSettings group(ServerConfig config) {
    ServerConfig.RaftConfig raft = config.raft();
    ServerConfig.ClusterConfig cluster = config.cluster();
    Map<String, List<String>> initialMembers = new LinkedHashMap<>();
    cluster.initialCluster().forEach((name, urls) -> initialMembers.put(name, texts(urls)));
    Duration progress = config.clientApi().watchProgressNotifyInterval();
    return new GroupSettings(
        GROUP,
        config.member().name(),
        new GroupSettings.InitialCluster(
            initialMembers,
            cluster.joinExisting(),
            cluster.initialClusterToken(),
            cluster.initialClusterTokenGiven(),
            cluster.forceNewCluster()),
        texts(cluster.advertiseClientUrls()),
        EtcdVersion.SERVER,
        new GroupSettings.MemberRules(cluster.strictReconfigCheck(), cluster.maxLearners()),
        RaftSettings.of(
                raft.electionTimeoutTicks(), 1, raft.preVote(), raft.snapshotCatchupEntries())
            .withRequestTimeoutTicks(
                Math.toIntExact(raft.requestTimeout().toMillis() / raft.heartbeatIntervalMillis())),
        Duration.ofMillis(raft.heartbeatIntervalMillis()),
        raft.initialElectionTickAdvance(),
        raft.requestTimeout(),
        config.clientApi().maxRequestBytes(),
        raft.snapshotCountEntries(),
        config.storage().warningApplyDuration(),
        progress.isZero() ? DEFAULT_WATCH_PROGRESS_INTERVAL : progress,
        retention(config.storage()),
        new GroupSettings.Safeguards(
            config.storage().quotaBytes(),
            config.integrity().initialCheck(),
            config.integrity().checkInterval(),
            config.integrity().compactionCheckInterval()));
  }

  private static HistoryRetention retention(ServerConfig.StorageConfig storage) {
    if (storage.retainedRevisions() > 0) {
      return new HistoryRetention.Revisions(storage.retainedRevisions());
    }
    return storage.retainedPeriod().isZero()
        ? new HistoryRetention.Everything()
        : new HistoryRetention.Period(storage.retainedPeriod());
  }

  static GrpcServerOptions grpc(ServerConfig config) {
    ServerConfig.ClientApiConfig api = config.clientApi();
    return new GrpcServerOptions(
        api.maxRequestBytes(),
        api.maxTxnOps(),
        api.maxConcurrentStreams(),
        api.keepaliveInterval(),
        api.keepaliveTimeout(),
        Duration.ofMillis(config.raft().electionTimeoutMillis()),
        config.raft().requestTimeout(),
        api.warningUnaryRequestDuration(),
        config.storage().quotaBytes(),
        Set.of("*"),
        Set.of("*"));
  }

  /**
   * The addresses of all client URLs; {@code localhost} is bound as the first address it resolves
   * to.
   */
  static List<InetSocketAddress> listenAddresses(ServerConfig config) {
    List<InetSocketAddress> addresses = new ArrayList<>();
    for (EndpointUrl url : config.clientApi().listenClientUrls()) {
      addresses.add(new InetSocketAddress(url.host(), url.port()));
    }
    return addresses;
  }

  private static List<String> texts(List<EndpointUrl> urls) {
    return urls.stream().map(EndpointUrl::toString).toList();
  }

  static KeyspaceOptions keyspace(ServerConfig config, DataDirectory directory) {
    KeyspaceOptions defaults = KeyspaceOptions.defaults();
    LevelDbOptions storage = defaults.storage();
    long writeBuffer = config.tuning().levelDbWriteBufferBytes();
    long cache = config.tuning().levelDbCacheBytes();
    return defaults
        .withStorage(
            storage
                .withWriteBufferBytes(writeBuffer > 0 ? writeBuffer : storage.writeBufferBytes())
                .withCacheBytes(cache > 0 ? cache : storage.cacheBytes()))
        .withCompaction(
            config.storage().compactionBatchRevisions(), config.storage().compactionSleepInterval())
        .forStoreIn(directory.keyspace());
  }

  /** Must run before the first persistent actor starts. */
  static void openJournal(
      ActorSystem<?> system,
      DataDirectory directory,
      ServerConfig config,
      KeyspaceOptions keyspace,
      Telemetry telemetry) {
    EtcdMetrics metrics = new EtcdMetrics(telemetry);
    LongAdder written = new LongAdder();
    WalJournalExtension.get(system)
        .open(
            WalSettings.in(directory.wal())
                .withLevelDb(walStorage(keyspace))
                .withUnsafeNoFsync(config.storage().unsafeNoFsync()),
            (nanos, records, bytes) -> {
              metrics.walFsync.recordNanos(nanos);
              written.add(bytes);
              metrics.walWriteBytes.set(written.sum());
            });
  }

  /**
   * The log stops taking writes while there is still room for the keyspace to apply what the log
   * holds.
   */
  private static LevelDbOptions walStorage(KeyspaceOptions keyspace) {
    LevelDbOptions own = WalSettings.in(Path.of(".")).levelDb();
    long beforeKeyspace = keyspace.storage().minFreeBytes() + WAL_STOPS_EARLIER_BYTES;
    return own.withMinFreeBytes(Math.max(own.minFreeBytes(), beforeKeyspace));
  }
}
