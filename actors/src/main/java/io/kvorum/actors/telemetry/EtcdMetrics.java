package io.kvorum.actors.telemetry;

import java.util.Map;
import java.util.function.Supplier;

/**
 * The instruments that have one place each in the server, under etcd's names and types (which do
 * not always fit each other: several names end in {@code _total} and are gauges). Families with
 * labels are created where they are used.
 */
public final class EtcdMetrics {
  private static final Map<String, String> NO_TAGS = Map.of();

  private final Telemetry telemetry;

  /** 1 while a leader is known. */
  public final Gauge hasLeader;

  /** 1 while this member leads. */
  public final Gauge isLeader;

  /** 1 while this member is a learner. */
  public final Gauge isLearner;

  public final Counter leaderChangesSeen;

  /** The newest committed log index. */
  public final Gauge proposalsCommitted;

  /** The newest applied log index. */
  public final Gauge proposalsApplied;

  /** Proposals that wait to be applied. */
  public final Gauge proposalsPending;

  /** Proposals that were refused by the log or timed out. */
  public final Counter proposalsFailed;

  public final Counter heartbeatSendFailures;
  public final Counter readIndexesFailed;
  public final Counter slowReadIndexes;
  public final Counter slowApplies;

  public final Histogram walFsync;
  public final Histogram walWrite;

  /** Bytes appended to the log since the start; a gauge, as etcd has it. */
  public final Gauge walWriteBytes;

  /** One commit of the keyspace's own store. */
  public final Histogram backendCommit;

  /** Open watch streams, each of one client call. */
  public final Gauge watchStreams;

  public final Gauge watchers;

  /** Watchers that are not level with the store. */
  public final Gauge slowWatchers;

  /** Events computed for watchers and not yet taken by their streams. */
  public final Gauge watchPendingEvents;

  /** Events delivered to watch streams. */
  public final Counter watchEvents;

  /** Leases granted and revoked by entries applied here; their end by time counts as the latter. */
  public final Counter leasesGranted;

  public final Counter leasesRevoked;

  /** TTLs of the leases granted, in seconds. */
  public final Histogram leaseTtl;

  /** Renewals that this member has answered as the leader. */
  public final Counter leasesRenewed;

  /** Leases that this member has revoked as the leader, because their time was up. */
  public final Counter leasesExpired;

  /** The making of a response with events; they are sent by many at a time. */
  public final Histogram watchEventsSend;

  /** The share of one event in it; a sample for each response. */
  public final Histogram watchPerEventSend;

  /** The making of any other response to a request. */
  public final Histogram watchAnswerSend;

  /** The making of progress notifications for all watchers of a stream that are due. */
  public final Histogram watchProgressRound;

  /** What a keyspace tells about itself at a scrape; totals since the start of the process. */
  public record KeyspaceFigures(
      long puts,
      long deletes,
      long ranges,
      long txns,
      long liveKeys,
      long putBytes,
      long storeBytes,
      long storeBytesInUse,
      long currentRevision,
      long compactedRevision) {}

  public EtcdMetrics(Telemetry telemetry) {
    this.telemetry = telemetry;
    hasLeader = gauge("etcd_server_has_leader");
    isLeader = gauge("etcd_server_is_leader");
    isLearner = gauge("etcd_server_is_learner");
    leaderChangesSeen = counter("etcd_server_leader_changes_seen_total");
    proposalsCommitted = gauge("etcd_server_proposals_committed_total");
    proposalsApplied = gauge("etcd_server_proposals_applied_total");
    proposalsPending = gauge("etcd_server_proposals_pending");
    proposalsFailed = counter("etcd_server_proposals_failed_total");
    heartbeatSendFailures = counter("etcd_server_heartbeat_send_failures_total");
    readIndexesFailed = counter("etcd_server_read_indexes_failed_total");
    slowReadIndexes = counter("etcd_server_slow_read_indexes_total");
    slowApplies = counter("etcd_server_slow_apply_total");
    walFsync = seconds("etcd_disk_wal_fsync_duration_seconds");
    walWrite = seconds("etcd_disk_wal_write_duration_seconds");
    walWriteBytes = gauge("etcd_disk_wal_write_bytes_total");
    backendCommit = seconds("etcd_disk_backend_commit_duration_seconds");
    watchStreams = gauge("etcd_debugging_mvcc_watch_stream_total");
    watchers = gauge("etcd_debugging_mvcc_watcher_total");
    slowWatchers = gauge("etcd_debugging_mvcc_slow_watcher_total");
    watchPendingEvents = gauge("etcd_debugging_mvcc_pending_events_total");
    watchEvents = counter("etcd_debugging_mvcc_events_total");
    leasesGranted = counter("etcd_debugging_lease_granted_total");
    leasesRevoked = counter("etcd_debugging_lease_revoked_total");
    leasesRenewed = counter("etcd_debugging_lease_renewed_total");
    leasesExpired = counter("etcd_debugging_server_lease_expired_total");
    leaseTtl =
        telemetry.histogram("etcd_debugging_lease_ttl_total", NO_TAGS, Buckets.LEASE_SECONDS);
    watchEventsSend = watchSend("watch_stream_duration");
    watchPerEventSend = watchSend("watch_stream_duration_per_event");
    watchAnswerSend = watchSend("control_stream_duration");
    watchProgressRound = watchSend("progress_duration");
  }

  /** Shows a keyspace's own figures from now on; they are read at each scrape. */
  public void mirrorKeyspace(Supplier<KeyspaceFigures> keyspace) {
    telemetry.sampledCounter("etcd_mvcc_put_total", NO_TAGS, () -> keyspace.get().puts());
    telemetry.sampledCounter("etcd_mvcc_delete_total", NO_TAGS, () -> keyspace.get().deletes());
    telemetry.sampledCounter("etcd_mvcc_range_total", NO_TAGS, () -> keyspace.get().ranges());
    telemetry.sampledCounter("etcd_mvcc_txn_total", NO_TAGS, () -> keyspace.get().txns());
    telemetry.sampled("etcd_debugging_mvcc_keys_total", () -> keyspace.get().liveKeys());
    telemetry.sampled(
        "etcd_debugging_mvcc_total_put_size_in_bytes", () -> keyspace.get().putBytes());
    telemetry.sampled("etcd_mvcc_db_total_size_in_bytes", () -> keyspace.get().storeBytes());
    telemetry.sampled(
        "etcd_mvcc_db_total_size_in_use_in_bytes", () -> keyspace.get().storeBytesInUse());
    telemetry.sampled(
        "etcd_debugging_mvcc_current_revision", () -> keyspace.get().currentRevision());
    telemetry.sampled(
        "etcd_debugging_mvcc_compact_revision", () -> keyspace.get().compactedRevision());
  }

  /** The constant rows of a member: its id in hex, and the version it claims, for example 3.7.1. */
  public void identify(String memberIdHex, String serverVersion) {
    telemetry.gauge("etcd_server_id", Map.of("server_id", memberIdHex)).set(1);
    telemetry.gauge("etcd_server_version", Map.of("server_version", serverVersion)).set(1);
  }

  /**
   * Whether an alarm is raised. etcd counts requests to raise one here, and shows what was raised
   * before its start as nothing.
   *
   * @param type for example {@code NOSPACE}
   */
  public void alarm(String memberIdHex, String type, boolean raised) {
    telemetry
        .gauge("etcd_debugging_server_alarms", Map.of("server_id", memberIdHex, "alarm_type", type))
        .set(raised ? 1 : 0);
  }

  /** The largest size of the store; negative for none. Once for a process. */
  public void quota(long bytes) {
    telemetry.sampled("etcd_server_quota_backend_bytes", () -> bytes);
  }

  /**
   * The cluster's version as {@code major.minor}; the row of the version before goes to 0. Empty
   * where there is none yet.
   */
  public void clusterVersion(String before, String now) {
    if (!before.isEmpty()) {
      telemetry.gauge("etcd_cluster_version", Map.of("cluster_version", before)).set(0);
    }
    if (!now.isEmpty()) {
      telemetry.gauge("etcd_cluster_version", Map.of("cluster_version", now)).set(1);
    }
  }

  private Counter counter(String name) {
    return telemetry.counter(name, NO_TAGS);
  }

  private Gauge gauge(String name) {
    return telemetry.gauge(name, NO_TAGS);
  }

  private Histogram watchSend(String what) {
    return seconds("etcd_debugging_server_watch_send_loop_" + what + "_seconds");
  }

  private Histogram seconds(String name) {
    return telemetry.seconds(name, NO_TAGS);
  }
}
