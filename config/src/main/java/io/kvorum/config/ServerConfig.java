package io.kvorum.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SortedMap;

/**
 * Everything a server is told at its start, checked and with defaults filled in. Each part goes to
 * the room that it concerns; none of them knows where its values came from.
 */
public record ServerConfig(
    MemberConfig member,
    ClusterConfig cluster,
    RaftConfig raft,
    ClientApiConfig clientApi,
    StorageConfig storage,
    IntegrityConfig integrity,
    LoggingConfig logging,
    MetricsConfig metrics,
    TuningConfig tuning) {

  /**
   * This member and its directories.
   *
   * @param dataDirectory relative to the working directory unless given absolute
   * @param walDirectory where the log lies, {@code <data>/member/wal} unless given
   */
  public record MemberConfig(String name, Path dataDirectory, Path walDirectory) {

    /** Where the keyspace lies: {@code <data>/member/keyspace}. */
    public Path keyspaceDirectory() {
      return dataDirectory.resolve("member").resolve("keyspace");
    }
  }

  /**
   * The cluster and this member's place in it. URL lists are sorted by text and hold no duplicates.
   *
   * @param advertisePeerUrlsGiven whether the peer URLs were set, and are not etcd's default
   * @param initialCluster the first members' peer URLs by name; only heeded while there is no data
   * @param joinExisting without data: join the cluster of the other initial members, do not make
   *     one
   * @param initialClusterToken part of what member ids and the cluster id are hashed from
   * @param initialClusterTokenGiven whether it was set, and is not etcd's default
   * @param forceNewCluster remove all other members, whatever they say
   * @param strictReconfigCheck refuse changes of members that endanger the quorum
   * @param maxLearners most members without a vote
   */
  public record ClusterConfig(
      List<EndpointUrl> listenPeerUrls,
      List<EndpointUrl> initialAdvertisePeerUrls,
      boolean advertisePeerUrlsGiven,
      List<EndpointUrl> advertiseClientUrls,
      SortedMap<String, List<EndpointUrl>> initialCluster,
      boolean joinExisting,
      String initialClusterToken,
      boolean initialClusterTokenGiven,
      boolean forceNewCluster,
      boolean strictReconfigCheck,
      int maxLearners) {}

  /**
   * The consensus protocol's clocks and its log. A tick is one heartbeat interval.
   *
   * @param snapshotCountEntries applied entries between two truncations of the log
   * @param snapshotCatchupEntries entries kept behind a truncation for members that lag
   */
  public record RaftConfig(
      long heartbeatIntervalMillis,
      long electionTimeoutMillis,
      boolean initialElectionTickAdvance,
      boolean preVote,
      long snapshotCountEntries,
      long snapshotCatchupEntries) {

    /** The election timeout in ticks, rounded down as etcd does; at least 5. */
    public int electionTimeoutTicks() {
      return (int) (electionTimeoutMillis / heartbeatIntervalMillis);
    }

    /** How long a proposal or a linearizable read may take: 5 s and two election timeouts. */
    public Duration requestTimeout() {
      return Duration.ofMillis(5_000 + 2 * electionTimeoutMillis);
    }
  }

  /**
   * What clients reach and what they may ask for.
   *
   * @param maxRequestBytes largest encoded proposal
   * @param maxConcurrentStreams open streams per connection, at most 2^32 - 1
   * @param keepaliveMinTime shortest time between a client's pings; zero tolerates any
   * @param keepaliveInterval idle time before the server pings; zero for never
   * @param keepaliveTimeout wait for the answer to a ping; zero for no limit
   */
  public record ClientApiConfig(
      List<EndpointUrl> listenClientUrls,
      int maxTxnOps,
      int maxRequestBytes,
      long maxConcurrentStreams,
      Duration keepaliveMinTime,
      Duration keepaliveInterval,
      Duration keepaliveTimeout,
      Duration watchProgressNotifyInterval,
      Duration warningUnaryRequestDuration) {

    /** etcd's room for the encoding around the largest proposal. */
    public static final int REQUEST_OVERHEAD_BYTES = 524_288;

    /** Largest message that the transport takes. */
    public int maxReceiveBytes() {
      return maxRequestBytes + REQUEST_OVERHEAD_BYTES;
    }
  }

  /**
   * The keyspace and the log on disk.
   *
   * @param quotaBytes most bytes the keyspace may take before writes are refused; negative for no
   *     limit
   * @param unsafeNoFsync true never syncs, which loses data on a crash
   * @param compactionBatchRevisions revisions per step of a physical compaction
   * @param compactionSleepInterval pause between those steps
   * @param retainedPeriod history of this long is kept, the rest compacted; zero for no limit
   * @param retainedRevisions so many revisions are kept, the rest compacted; 0 for no limit
   */
  public record StorageConfig(
      long quotaBytes,
      boolean unsafeNoFsync,
      int compactionBatchRevisions,
      Duration compactionSleepInterval,
      Duration retainedPeriod,
      long retainedRevisions,
      Duration warningApplyDuration) {}

  /**
   * When members compare what they hold.
   *
   * @param initialCheck before a member takes part
   * @param checkInterval between the leader's comparisons of everything; zero for none
   * @param compactionCheckInterval between its comparisons of what compactions hashed; zero for
   *     none
   */
  public record IntegrityConfig(
      boolean initialCheck, Duration checkInterval, Duration compactionCheckInterval) {}

  /** What is logged, how, and where to. */
  public record LoggingConfig(LogLevel level, LogFormat format, List<LogOutput> outputs) {}

  /** Least severity that is logged. Nothing of ours logs panic or fatal: they silence the log. */
  public enum LogLevel {
    DEBUG,
    INFO,
    WARN,
    ERROR,
    PANIC,
    FATAL
  }

  /** One JSON object per line, or columns for the eye. */
  public enum LogFormat {
    JSON,
    CONSOLE
  }

  /** A stream of the process. */
  public enum LogOutput {
    STDERR,
    STDOUT
  }

  /**
   * What is measured.
   *
   * @param extensive adds latency histograms of each gRPC method
   */
  public record MetricsConfig(boolean extensive) {}

  /** Our own settings; 0 leaves the choice to the room that uses it. */
  public record TuningConfig(
      long levelDbCacheBytes, long levelDbWriteBufferBytes, int readThreads) {}
}
