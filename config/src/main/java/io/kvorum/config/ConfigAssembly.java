package io.kvorum.config;

import static io.kvorum.config.MemberFlags.ELECTION_TIMEOUT;
import static io.kvorum.config.MemberFlags.HEARTBEAT_INTERVAL;

import io.kvorum.config.ServerConfig.ClientApiConfig;
import io.kvorum.config.ServerConfig.ClusterConfig;
import io.kvorum.config.ServerConfig.IntegrityConfig;
import io.kvorum.config.ServerConfig.LogFormat;
import io.kvorum.config.ServerConfig.LogLevel;
import io.kvorum.config.ServerConfig.LogOutput;
import io.kvorum.config.ServerConfig.LoggingConfig;
import io.kvorum.config.ServerConfig.MemberConfig;
import io.kvorum.config.ServerConfig.MetricsConfig;
import io.kvorum.config.ServerConfig.RaftConfig;
import io.kvorum.config.ServerConfig.StorageConfig;
import io.kvorum.config.ServerConfig.TuningConfig;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;

/**
 * Builds the typed records out of the settings, and checks each value as far as it can be judged
 * without the others; what spans members and URLs is checked in {@link ClusterAssembly}.
 */
final class ConfigAssembly {

  private static final long MAX_ELECTION_TIMEOUT_MILLIS = 50_000;
  private static final long DEFAULT_SNAPSHOT_COUNT = 10_000;
  private static final long DEFAULT_QUOTA_BYTES = 2_147_483_648L;
  private static final long ADVISED_QUOTA_BYTES = 8_589_934_592L;
  private static final int DEFAULT_COMPACTION_BATCH = 1_000;
  private static final Duration DEFAULT_COMPACTION_SLEEP = Duration.ofMillis(10);
  private static final Duration DEFAULT_PROGRESS_INTERVAL = Duration.ofMinutes(10);
  private static final Duration MIN_PROGRESS_INTERVAL = Duration.ofMillis(100);
  private static final Duration DEFAULT_WARNING_UNARY = Duration.ofMillis(300);
  private static final long MAX_STREAMS = 4_294_967_295L;
  private static final long ADVISED_REQUEST_BYTES = 10_485_760;
  private static final int MAX_REQUEST_BYTES =
      Integer.MAX_VALUE - ClientApiConfig.REQUEST_OVERHEAD_BYTES;

  private final Settings settings;
  private final Findings findings;

  ConfigAssembly(Settings settings, Findings findings) {
    this.settings = settings;
    this.findings = findings;
  }

  ServerConfig assemble() {
    MemberConfig member = member();
    ClusterAssembly clusterAssembly = new ClusterAssembly(settings, findings, member);
    ClusterConfig cluster = clusterAssembly.cluster();
    return new ServerConfig(
        member,
        cluster,
        raft(),
        clientApi(clusterAssembly),
        storage(),
        integrity(),
        logging(),
        metrics(),
        tuning());
  }

  private MetricsConfig metrics() {
    boolean extensive = settings.text(OperationFlags.METRICS).equals("extensive");
    if (extensive) {
      settings.refuseNotYet(OperationFlags.METRICS, "; only basic");
    }
    return new MetricsConfig(extensive);
  }

  private MemberConfig member() {
    String name = settings.text(MemberFlags.NAME);
    if (name.isEmpty()) {
      settings.refuse(MemberFlags.NAME, "must not be empty");
    } else if (name.indexOf('=') >= 0 || name.indexOf(',') >= 0) {
      settings.refuse(MemberFlags.NAME, "must not contain = or ,");
    }
    String dataText = settings.text(MemberFlags.DATA_DIR);
    Path data = path(MemberFlags.DATA_DIR, dataText.isEmpty() ? name + ".etcd" : dataText);
    String walText = settings.text(MemberFlags.WAL_DIR);
    Path wal =
        walText.isEmpty()
            ? data.resolve("member").resolve("wal")
            : path(MemberFlags.WAL_DIR, walText);
    return new MemberConfig(name, data, wal);
  }

  private Path path(Flag flag, String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      settings.refuse(flag, "is not a path: " + e.getReason());
      return Path.of("invalid");
    }
  }

  private RaftConfig raft() {
    long heartbeatMillis = settings.number(HEARTBEAT_INTERVAL, 1, Long.MAX_VALUE / 5);
    long electionMillis = settings.number(ELECTION_TIMEOUT, 1, Long.MAX_VALUE);
    if (electionMillis > MAX_ELECTION_TIMEOUT_MILLIS) {
      settings.refuseTogether(
          ELECTION_TIMEOUT, "must be at most " + MAX_ELECTION_TIMEOUT_MILLIS + " ms");
    }
    if (electionMillis < 5 * heartbeatMillis) {
      settings.refuseTogether(
          settings.isSet(ELECTION_TIMEOUT) ? ELECTION_TIMEOUT : HEARTBEAT_INTERVAL,
          "--election-timeout ("
              + electionMillis
              + " ms) must be at least 5 times --heartbeat-interval ("
              + heartbeatMillis
              + " ms)");
    }
    long snapshotCount = settings.numberUpTo(MemberFlags.SNAPSHOT_COUNT, Long.MAX_VALUE);
    if (snapshotCount == 0) {
      findings.warn("--snapshot-count=0 stands for its default, " + DEFAULT_SNAPSHOT_COUNT);
      snapshotCount = DEFAULT_SNAPSHOT_COUNT;
    }
    return new RaftConfig(
        heartbeatMillis,
        electionMillis,
        settings.bool(MemberFlags.INITIAL_ELECTION_TICK_ADVANCE),
        settings.bool(ClusterFlags.PRE_VOTE),
        snapshotCount,
        settings.numberUpTo(OperationFlags.SNAPSHOT_CATCHUP_ENTRIES, Long.MAX_VALUE));
  }

  private ClientApiConfig clientApi(ClusterAssembly clusterAssembly) {
    long requestBytes = settings.number(MemberFlags.MAX_REQUEST_BYTES, 1, MAX_REQUEST_BYTES);
    if (requestBytes > ADVISED_REQUEST_BYTES) {
      findings.warn(
          "--max-request-bytes=" + requestBytes + " exceeds the advised " + ADVISED_REQUEST_BYTES);
    }
    long streams = settings.numberUpTo(MemberFlags.MAX_CONCURRENT_STREAMS, MAX_STREAMS);
    Duration warningUnary = settings.duration(OperationFlags.WARNING_UNARY_REQUEST_DURATION);
    return new ClientApiConfig(
        clusterAssembly.listenClientUrls(),
        // A list cannot be longer than 2^31 - 1, so a greater limit means the same.
        (int)
            Math.min(
                settings.number(MemberFlags.MAX_TXN_OPS, 1, Long.MAX_VALUE), Integer.MAX_VALUE),
        (int) requestBytes,
        streams == 0 ? MAX_STREAMS : streams,
        settings.duration(MemberFlags.GRPC_KEEPALIVE_MIN_TIME),
        settings.duration(MemberFlags.GRPC_KEEPALIVE_INTERVAL),
        settings.duration(MemberFlags.GRPC_KEEPALIVE_TIMEOUT),
        progressInterval(),
        warningUnary.isZero() ? DEFAULT_WARNING_UNARY : warningUnary);
  }

  private Duration progressInterval() {
    Duration interval = settings.duration(OperationFlags.WATCH_PROGRESS_NOTIFY_INTERVAL);
    if (interval.isZero()) {
      return DEFAULT_PROGRESS_INTERVAL;
    }
    if (interval.compareTo(MIN_PROGRESS_INTERVAL) < 0) {
      findings.warn(
          "--watch-progress-notify-interval="
              + GoDuration.format(interval)
              + " is raised to "
              + GoDuration.format(MIN_PROGRESS_INTERVAL));
      return MIN_PROGRESS_INTERVAL;
    }
    return interval;
  }

  private StorageConfig storage() {
    long quota = settings.number(MemberFlags.QUOTA_BACKEND_BYTES, Long.MIN_VALUE, Long.MAX_VALUE);
    if (quota > ADVISED_QUOTA_BYTES) {
      findings.warn(
          "--quota-backend-bytes=" + quota + " exceeds the advised " + ADVISED_QUOTA_BYTES);
    }
    long batch = settings.number(OperationFlags.COMPACTION_BATCH_LIMIT, 0, Integer.MAX_VALUE);
    Duration sleep = settings.duration(OperationFlags.COMPACTION_SLEEP_INTERVAL);
    boolean byRevision = settings.choice(ClusterFlags.AUTO_COMPACTION_MODE).equals("revision");
    return new StorageConfig(
        quota == 0 ? DEFAULT_QUOTA_BYTES : quota,
        settings.bool(OperationFlags.UNSAFE_NO_FSYNC),
        batch == 0 ? DEFAULT_COMPACTION_BATCH : (int) batch,
        sleep.isZero() ? DEFAULT_COMPACTION_SLEEP : sleep,
        byRevision ? Duration.ZERO : retainedPeriod(),
        byRevision ? retainedRevisions() : 0,
        settings.duration(OperationFlags.WARNING_APPLY_DURATION));
  }

  private IntegrityConfig integrity() {
    Set<String> gates = FeatureGates.on(settings, findings);
    Duration interval = settings.duration(OperationFlags.COMPACT_HASH_CHECK_TIME);
    if (interval.isZero()) {
      settings.refuse(OperationFlags.COMPACT_HASH_CHECK_TIME, "must be greater than 0");
    }
    return new IntegrityConfig(
        gates.contains(FeatureGates.INITIAL_CORRUPT_CHECK),
        settings.duration(OperationFlags.CORRUPT_CHECK_TIME),
        gates.contains(FeatureGates.COMPACT_HASH_CHECK) ? interval : Duration.ZERO);
  }

  /** A whole number is one of hours. */
  private Duration retainedPeriod() {
    String text = settings.text(ClusterFlags.AUTO_COMPACTION_RETENTION);
    if (isWholeNumber(text)) {
      text += "h";
    }
    return switch (GoDuration.parse(text)) {
      case Parsed.Value<Duration>(Duration period) when !period.isNegative() -> period;
      case Parsed.Value<Duration> negative -> refusedPeriod("must not be negative");
      case Parsed.Problem<Duration>(String problem) -> refusedPeriod(problem);
    };
  }

  private Duration refusedPeriod(String problem) {
    settings.refuse(ClusterFlags.AUTO_COMPACTION_RETENTION, problem);
    return Duration.ZERO;
  }

  /**
   * etcd takes a duration here too, and its nanoseconds for revisions: nobody can mean that, so it
   * is refused.
   */
  private long retainedRevisions() {
    String text = settings.text(ClusterFlags.AUTO_COMPACTION_RETENTION);
    if (isWholeNumber(text)) {
      return Long.parseLong(text);
    }
    settings.refuse(
        ClusterFlags.AUTO_COMPACTION_RETENTION,
        "is not a whole number of revisions, as --auto-compaction-mode=revision needs");
    return 0;
  }

  private static boolean isWholeNumber(String text) {
    return text.matches("[0-9]{1,18}");
  }

  private LoggingConfig logging() {
    if (!settings.text(OperationFlags.LOGGER).equals("zap")) {
      settings.refuse(OperationFlags.LOGGER, "must be zap");
    }
    Set<LogOutput> outputs = new LinkedHashSet<>();
    for (String output : settings.list(OperationFlags.LOG_OUTPUTS)) {
      switch (output) {
        case "default", "stderr" -> outputs.add(LogOutput.STDERR);
        case "stdout" -> outputs.add(LogOutput.STDOUT);
        default ->
            settings.refuseNotYet(OperationFlags.LOG_OUTPUTS, "; only default, stderr and stdout");
      }
    }
    if (outputs.isEmpty()) {
      outputs.add(LogOutput.STDERR);
    }
    return new LoggingConfig(
        LogLevel.valueOf(settings.choice(OperationFlags.LOG_LEVEL).toUpperCase(Locale.ROOT)),
        LogFormat.valueOf(settings.choice(OperationFlags.LOG_FORMAT).toUpperCase(Locale.ROOT)),
        outputs.stream().toList());
  }

  private TuningConfig tuning() {
    return new TuningConfig(
        settings.number(TuningSettings.LEVELDB_CACHE_BYTES, 0, Long.MAX_VALUE),
        settings.number(TuningSettings.LEVELDB_WRITE_BUFFER_BYTES, 0, Integer.MAX_VALUE),
        (int) settings.number(TuningSettings.READ_THREADS, 0, 1_024));
  }
}
