package io.kvorum.actors.snapshot;

import io.kvorum.actors.telemetry.Buckets;
import io.kvorum.actors.telemetry.Gauge;
import io.kvorum.actors.telemetry.Histogram;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.protocol.MemberId;
import java.util.Map;

/** etcd's figures about snapshots, under its names; peers are named by their id in hex. */
final class SnapshotMetrics {
  private final Telemetry telemetry;

  /** Reading a whole keyspace for a peer. */
  private final Histogram read;

  /** Receiving a whole keyspace, the last sync included. */
  private final Histogram saved;

  /** That last sync. */
  private final Histogram synced;

  /** 1 while a received snapshot is put into force. */
  final Gauge installing;

  SnapshotMetrics(Telemetry telemetry) {
    this.telemetry = telemetry;
    read =
        telemetry.histogram(
            "etcd_disk_backend_snapshot_duration_seconds", Map.of(), Buckets.STORE_SECONDS);
    saved =
        telemetry.histogram(
            "etcd_snap_db_save_total_duration_seconds", Map.of(), Buckets.TRANSFER_SECONDS);
    synced = telemetry.seconds("etcd_snap_db_fsync_duration_seconds", Map.of());
    installing = telemetry.gauge("etcd_server_snapshot_apply_in_progress_total", Map.of());
  }

  void sendBegins(MemberId to) {
    telemetry.gauge("etcd_network_snapshot_send_inflights_total", to(to)).increment();
  }

  void sendEnds(MemberId to, boolean delivered, long elapsedNanos) {
    telemetry.gauge("etcd_network_snapshot_send_inflights_total", to(to)).decrement();
    telemetry
        .counter(
            delivered
                ? "etcd_network_snapshot_send_success"
                : "etcd_network_snapshot_send_failures",
            to(to))
        .increment();
    if (delivered) {
      read.recordNanos(elapsedNanos);
      telemetry
          .histogram(
              "etcd_network_snapshot_send_total_duration_seconds",
              to(to),
              Buckets.TRANSFER_SECONDS)
          .recordNanos(elapsedNanos);
    }
  }

  void receiveBegins(MemberId from) {
    telemetry.gauge("etcd_network_snapshot_receive_inflights_total", from(from)).increment();
  }

  void receiveFails(MemberId from) {
    telemetry.gauge("etcd_network_snapshot_receive_inflights_total", from(from)).decrement();
    telemetry.counter("etcd_network_snapshot_receive_failures", from(from)).increment();
  }

  void received(MemberId from, long elapsedNanos, long syncNanos) {
    telemetry.gauge("etcd_network_snapshot_receive_inflights_total", from(from)).decrement();
    telemetry.counter("etcd_network_snapshot_receive_success", from(from)).increment();
    telemetry
        .histogram(
            "etcd_network_snapshot_receive_total_duration_seconds",
            from(from),
            Buckets.TRANSFER_SECONDS)
        .recordNanos(elapsedNanos);
    saved.recordNanos(elapsedNanos);
    synced.recordNanos(syncNanos);
  }

  private static Map<String, String> to(MemberId member) {
    return Map.of("To", member.toString());
  }

  private static Map<String, String> from(MemberId member) {
    return Map.of("From", member.toString());
  }
}
