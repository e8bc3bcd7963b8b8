package io.kvorum.config;

import static io.kvorum.config.FlagType.BOOL;
import static io.kvorum.config.FlagType.DURATION;
import static io.kvorum.config.FlagType.ENUM;
import static io.kvorum.config.FlagType.GATES;
import static io.kvorum.config.FlagType.INT;
import static io.kvorum.config.FlagType.JSON;
import static io.kvorum.config.FlagType.STRING;
import static io.kvorum.config.FlagType.STRING_LIST;
import static io.kvorum.config.FlagType.UINT64;
import static io.kvorum.config.FlagType.UINT_MEGABYTES;
import static io.kvorum.config.FlagType.URL_LIST;

import java.util.List;

/** Flags for whoever runs a member: logs, metrics, tracing, upkeep, and the dangerous ones. */
final class OperationFlags {

  private static final String LOGGING = "Logging";
  private static final String METRICS_AND_TRACES = "Metrics and traces";
  private static final String UPKEEP = "Upkeep";
  private static final String UNSAFE = "Unsafe";

  static final Flag LOGGER =
      Flag.of(LOGGING, "logger", STRING, "zap", "form of the log; only zap is known");
  static final Flag LOG_OUTPUTS =
      Flag.of(LOGGING, "log-outputs", STRING_LIST, "default", "default, stderr or stdout");
  static final Flag LOG_LEVEL =
      Flag.of(LOGGING, "log-level", ENUM, "info", "least level that is logged")
          .withChoices("debug", "info", "warn", "error", "panic", "fatal");
  static final Flag LOG_FORMAT =
      Flag.of(LOGGING, "log-format", ENUM, "json", "form of a log line")
          .withChoices("json", "console");
  static final Flag WARNING_UNARY_REQUEST_DURATION =
      Flag.of(
          LOGGING,
          "warning-unary-request-duration",
          DURATION,
          "300ms",
          "requests slower than this are logged");
  static final Flag WARNING_APPLY_DURATION =
      Flag.of(LOGGING, "warning-apply-duration", DURATION, "100ms", "slower applies are logged");
  static final Flag METRICS =
      Flag.of(METRICS_AND_TRACES, "metrics", ENUM, "basic", "how much is measured")
          .withChoices("basic", "extensive");
  static final Flag FEATURE_GATES =
      Flag.of(UPKEEP, "feature-gates", GATES, "", "features switched on or off by name");
  static final Flag COMPACTION_BATCH_LIMIT =
      Flag.of(UPKEEP, "compaction-batch-limit", INT, "0", "revisions per step of a compaction")
          .meaningDefault("1000");
  static final Flag COMPACTION_SLEEP_INTERVAL =
      Flag.of(UPKEEP, "compaction-sleep-interval", DURATION, "0s", "pause between those steps")
          .meaningDefault("10ms");
  static final Flag WATCH_PROGRESS_NOTIFY_INTERVAL =
      Flag.of(
              UPKEEP,
              "watch-progress-notify-interval",
              DURATION,
              "0s",
              "time between progress notices to idle watchers")
          .meaningDefault("10m");
  static final Flag SNAPSHOT_CATCHUP_ENTRIES =
      Flag.of(
          UPKEEP,
          "snapshot-catchup-entries",
          UINT64,
          "5000",
          "entries kept behind a truncation for slow members");
  static final Flag CORRUPT_CHECK_TIME =
      Flag.of(
          UPKEEP,
          "corrupt-check-time",
          DURATION,
          "0s",
          "time between comparisons of all members' records; 0 for none");
  static final Flag COMPACT_HASH_CHECK_TIME =
      Flag.of(
          UPKEEP,
          "compact-hash-check-time",
          DURATION,
          "1m0s",
          "time between comparisons of compactions' hashes; needs the gate CompactHashCheck");
  static final Flag FORCE_NEW_CLUSTER =
      Flag.of(UNSAFE, "force-new-cluster", BOOL, "false", "make a cluster of one from the data");
  static final Flag UNSAFE_NO_FSYNC =
      Flag.of(UNSAFE, "unsafe-no-fsync", BOOL, "false", "never sync to disk: loses data");

  static final List<Flag> ALL =
      List.of(
          LOGGER,
          LOG_OUTPUTS,
          LOG_LEVEL,
          LOG_FORMAT,
          Flag.of(LOGGING, "enable-log-rotation", BOOL, "false", "rotate the log file").notYet(),
          Flag.of(
                  LOGGING,
                  "log-rotation-config-json",
                  JSON,
                  "{\"maxsize\": 100, \"maxage\": 0, \"maxbackups\": 0, \"localtime\": false,"
                      + " \"compress\": false}",
                  "how to rotate it")
              .notYet(),
          WARNING_UNARY_REQUEST_DURATION,
          WARNING_APPLY_DURATION,
          METRICS,
          Flag.of(METRICS_AND_TRACES, "enable-pprof", BOOL, "false", "serve profiles").notYet(),
          Flag.of(METRICS_AND_TRACES, "listen-metrics-urls", URL_LIST, "", "more pages of metrics")
              .notYet(),
          tracing("enable-distributed-tracing", BOOL, "false"),
          tracing("distributed-tracing-address", STRING, "localhost:4317"),
          tracing("distributed-tracing-service-name", STRING, "etcd"),
          tracing("distributed-tracing-instance-id", STRING, ""),
          tracing("distributed-tracing-sampling-rate", INT, "0"),
          FEATURE_GATES,
          COMPACTION_BATCH_LIMIT,
          COMPACTION_SLEEP_INTERVAL,
          WATCH_PROGRESS_NOTIFY_INTERVAL,
          SNAPSHOT_CATCHUP_ENTRIES,
          CORRUPT_CHECK_TIME,
          COMPACT_HASH_CHECK_TIME,
          Flag.of(
                  UPKEEP,
                  "bootstrap-defrag-threshold-megabytes",
                  UINT_MEGABYTES,
                  "0",
                  "defragment at the start if it frees this much")
              .notYet(),
          FORCE_NEW_CLUSTER,
          UNSAFE_NO_FSYNC);

  private OperationFlags() {}

  private static Flag tracing(String name, FlagType type, String defaultText) {
    return Flag.of(METRICS_AND_TRACES, name, type, defaultText, "distributed tracing").notYet();
  }
}
