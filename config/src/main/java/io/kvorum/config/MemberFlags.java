package io.kvorum.config;

import static io.kvorum.config.FlagType.BOOL;
import static io.kvorum.config.FlagType.DURATION;
import static io.kvorum.config.FlagType.INT;
import static io.kvorum.config.FlagType.INT64;
import static io.kvorum.config.FlagType.STRING;
import static io.kvorum.config.FlagType.UINT;
import static io.kvorum.config.FlagType.UINT32;
import static io.kvorum.config.FlagType.UINT64;
import static io.kvorum.config.FlagType.UINT_MILLIS;
import static io.kvorum.config.FlagType.URL_LIST;
import static io.kvorum.config.Support.WITHOUT_EFFECT;

import java.util.List;

/** Flags of one member: its name, directories, listeners, clocks and request limits. */
final class MemberFlags {

  private static final String GROUP = "Member";

  static final Flag NAME = flag("name", STRING, "default", "name of this member");
  static final Flag DATA_DIR =
      flag("data-dir", STRING, "", "directory of this member's data; empty means <name>.etcd");
  static final Flag WAL_DIR =
      flag("wal-dir", STRING, "", "directory of the log; empty means <data-dir>/member/wal");
  static final Flag SNAPSHOT_COUNT =
      flag("snapshot-count", UINT64, "10000", "applied entries between two truncations of the log");
  static final Flag HEARTBEAT_INTERVAL =
      flag("heartbeat-interval", UINT_MILLIS, "100", "time between heartbeats, in milliseconds");
  static final Flag ELECTION_TIMEOUT =
      flag("election-timeout", UINT_MILLIS, "1000", "time without a leader, in milliseconds");
  static final Flag INITIAL_ELECTION_TICK_ADVANCE =
      flag(
          "initial-election-tick-advance",
          BOOL,
          "true",
          "do not wait a full election timeout at the start");
  static final Flag LISTEN_PEER_URLS =
      flag(
          "listen-peer-urls",
          URL_LIST,
          "http://localhost:2380",
          "where to listen for other members");
  static final Flag LISTEN_CLIENT_URLS =
      flag("listen-client-urls", URL_LIST, "http://localhost:2379", "where to listen for clients");
  static final Flag LISTEN_CLIENT_HTTP_URLS =
      flag("listen-client-http-urls", URL_LIST, "", "where to listen for HTTP apart from gRPC")
          .notYet();
  static final Flag MAX_SNAPSHOTS =
      flag("max-snapshots", UINT, "5", "snapshot files kept; Kvorum keeps none")
          .with(WITHOUT_EFFECT);
  static final Flag MAX_WALS =
      flag("max-wals", UINT, "5", "log files kept; Kvorum's log trims itself").with(WITHOUT_EFFECT);
  static final Flag QUOTA_BACKEND_BYTES =
      flag(
          "quota-backend-bytes",
          INT64,
          "0",
          "most bytes the keyspace may take; 0 means 2 GiB, negative no limit");
  static final Flag MAX_TXN_OPS =
      flag("max-txn-ops", UINT, "128", "most operations in each list of a transaction");
  static final Flag MAX_REQUEST_BYTES =
      flag("max-request-bytes", UINT, "1572864", "largest request that a client may send");
  static final Flag MAX_CONCURRENT_STREAMS =
      flag("max-concurrent-streams", UINT32, "4294967295", "most open streams per connection");
  static final Flag GRPC_KEEPALIVE_MIN_TIME =
      flag("grpc-keepalive-min-time", DURATION, "5s", "shortest time between a client's pings")
          .notYet();
  static final Flag GRPC_KEEPALIVE_INTERVAL =
      flag("grpc-keepalive-interval", DURATION, "2h", "time between pings to a client; 0 for none");
  static final Flag GRPC_KEEPALIVE_TIMEOUT =
      flag("grpc-keepalive-timeout", DURATION, "20s", "how long to wait for the answer to a ping");
  static final Flag CONFIG_FILE =
      flag("config-file", STRING, "", "file of settings; all other flags and variables are ignored")
          .withFileKey(null);
  static final Flag VERSION =
      flag("version", BOOL, "false", "print versions and exit")
          .withoutEnvironment()
          .withFileKey(null);
  static final Flag HELP =
      flag("help", BOOL, "false", "print this text and exit; also -h")
          .withoutEnvironment()
          .withFileKey(null);

  static final List<Flag> ALL =
      List.of(
          NAME,
          DATA_DIR,
          WAL_DIR,
          SNAPSHOT_COUNT,
          HEARTBEAT_INTERVAL,
          ELECTION_TIMEOUT,
          INITIAL_ELECTION_TICK_ADVANCE,
          LISTEN_PEER_URLS,
          LISTEN_CLIENT_URLS,
          LISTEN_CLIENT_HTTP_URLS,
          MAX_SNAPSHOTS,
          MAX_WALS,
          flag("memory-mlock", BOOL, "false", "keep the process's memory from being swapped")
              .notYet(),
          QUOTA_BACKEND_BYTES,
          flag("backend-bbolt-freelist-type", STRING, "map", "a detail of bbolt, not used here")
              .with(WITHOUT_EFFECT),
          flag("backend-batch-interval", DURATION, "0s", "longest wait before a backend commit")
              .meaningDefault("100ms")
              .notYet(),
          flag("backend-batch-limit", INT, "0", "operations that force a backend commit")
              .meaningDefault("10000")
              .notYet(),
          MAX_TXN_OPS,
          MAX_REQUEST_BYTES,
          MAX_CONCURRENT_STREAMS,
          GRPC_KEEPALIVE_MIN_TIME,
          GRPC_KEEPALIVE_INTERVAL,
          GRPC_KEEPALIVE_TIMEOUT,
          flag("socket-reuse-port", BOOL, "false", "set SO_REUSEPORT on listeners")
              .withFileKey("socket-options.reuse-port")
              .notYet(),
          flag("socket-reuse-address", BOOL, "false", "set SO_REUSEADDR on listeners")
              .withFileKey("socket-options.reuse-address")
              .notYet(),
          flag("enable-grpc-gateway", BOOL, "true", "serve the JSON gateway").notYet(),
          flag("raft-read-timeout", DURATION, "5s", "read timeout of connections between members")
              .withFileKey(null)
              .notYet(),
          flag("raft-write-timeout", DURATION, "5s", "write timeout of connections between members")
              .withFileKey(null)
              .notYet(),
          CONFIG_FILE,
          VERSION,
          HELP);

  private MemberFlags() {}

  private static Flag flag(String name, FlagType type, String defaultText, String meaning) {
    return Flag.of(GROUP, name, type, defaultText, meaning);
  }
}
