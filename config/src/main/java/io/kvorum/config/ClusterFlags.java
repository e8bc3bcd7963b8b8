package io.kvorum.config;

import static io.kvorum.config.FlagType.BOOL;
import static io.kvorum.config.FlagType.DURATION;
import static io.kvorum.config.FlagType.ENUM;
import static io.kvorum.config.FlagType.INT;
import static io.kvorum.config.FlagType.MEMBERS;
import static io.kvorum.config.FlagType.STRING;
import static io.kvorum.config.FlagType.STRING_LIST;
import static io.kvorum.config.FlagType.URL_LIST;
import static io.kvorum.config.Support.REMOVED;
import static io.kvorum.config.Support.WITHOUT_EFFECT;

import java.util.List;

/** Flags by which members find each other, and rules of the cluster as a whole. */
final class ClusterFlags {

  private static final String GROUP = "Cluster";

  static final Flag INITIAL_ADVERTISE_PEER_URLS =
      flag(
          "initial-advertise-peer-urls",
          URL_LIST,
          "http://localhost:2380",
          "URLs by which other members reach this one");
  static final Flag INITIAL_CLUSTER =
      flag(
          "initial-cluster",
          MEMBERS,
          "default=http://localhost:2380",
          "the first members; follows --name and --initial-advertise-peer-urls when left out");
  static final Flag INITIAL_CLUSTER_STATE =
      flag("initial-cluster-state", ENUM, "new", "start a new cluster or join one")
          .withChoices("new", "existing");
  static final Flag INITIAL_CLUSTER_TOKEN =
      flag("initial-cluster-token", STRING, "etcd-cluster", "part of the new cluster's id");
  static final Flag ADVERTISE_CLIENT_URLS =
      flag(
          "advertise-client-urls",
          URL_LIST,
          "http://localhost:2379",
          "URLs by which clients reach this member");
  static final Flag STRICT_RECONFIG_CHECK =
      flag("strict-reconfig-check", BOOL, "true", "refuse member changes that lose the quorum");
  static final Flag PRE_VOTE = flag("pre-vote", BOOL, "true", "ask before raising the term");
  static final Flag MAX_LEARNERS = flag("max-learners", INT, "1", "most members that only learn");
  static final Flag AUTO_COMPACTION_MODE =
      flag("auto-compaction-mode", ENUM, "periodic", "how to read the retention")
          .withChoices("periodic", "revision");
  static final Flag AUTO_COMPACTION_RETENTION =
      flag(
          "auto-compaction-retention",
          STRING,
          "0",
          "history that is kept: hours or a duration, or a number of revisions; 0 for all");
  static final Flag DISCOVERY_FALLBACK =
      flag("discovery-fallback", ENUM, "exit", "what to do when discovery fails")
          .withChoices("exit", "proxy")
          .withFileKey(null)
          .notYet();

  static final List<Flag> ALL =
      List.of(
          INITIAL_ADVERTISE_PEER_URLS,
          INITIAL_CLUSTER,
          INITIAL_CLUSTER_STATE,
          INITIAL_CLUSTER_TOKEN,
          ADVERTISE_CLIENT_URLS,
          STRICT_RECONFIG_CHECK,
          PRE_VOTE,
          MAX_LEARNERS,
          removed("discovery"),
          removed("discovery-proxy"),
          discovery("discovery-token", STRING, "", "token"),
          discovery("discovery-endpoints", STRING_LIST, "", "client.endpoints"),
          discovery("discovery-dial-timeout", DURATION, "2s", "client.dial-timeout"),
          discovery("discovery-request-timeout", DURATION, "5s", "client.request-timeout"),
          discovery("discovery-keepalive-time", DURATION, "2s", "client.keepalive-time"),
          discovery("discovery-keepalive-timeout", DURATION, "6s", "client.keepalive-timeout"),
          discovery(
              "discovery-insecure-transport", BOOL, "true", "client.secure.insecure-transport"),
          discovery(
              "discovery-insecure-skip-tls-verify",
              BOOL,
              "false",
              "client.secure.insecure-skip-tls-verify"),
          discovery("discovery-cert", STRING, "", "client.secure.cert"),
          discovery("discovery-key", STRING, "", "client.secure.key"),
          discovery("discovery-cacert", STRING, "", "client.secure.cacert"),
          discovery("discovery-user", STRING, "", "client.auth.username"),
          discovery("discovery-password", STRING, "", "client.auth.password"),
          DISCOVERY_FALLBACK,
          flag("discovery-srv", STRING, "", "DNS domain with the members' addresses").notYet(),
          flag("discovery-srv-name", STRING, "", "suffix of the DNS service names").notYet(),
          AUTO_COMPACTION_MODE,
          AUTO_COMPACTION_RETENTION,
          flag("v2-deprecation", ENUM, "write-only", "phase of the removal of etcd's v2 store")
              .withChoices("write-only", "write-only-skip-check", "write-only-drop-data", "gone")
              .with(WITHOUT_EFFECT),
          flag("downgrade-check-time", DURATION, "5s", "time between checks of a downgrade")
              .notYet());

  private ClusterFlags() {}

  private static Flag flag(String name, FlagType type, String defaultText, String meaning) {
    return Flag.of(GROUP, name, type, defaultText, meaning);
  }

  private static Flag discovery(String name, FlagType type, String defaultText, String key) {
    return flag(name, type, defaultText, "discovery through another cluster")
        .withFileKey("discovery-config." + key)
        .notYet();
  }

  private static Flag removed(String name) {
    return flag(name, STRING, "", "no longer a flag of etcd's")
        .withoutEnvironment()
        .withFileKey(null)
        .with(REMOVED);
  }
}
