package io.kvorum.config;

import static io.kvorum.config.Loading.errors;
import static io.kvorum.config.Loading.load;
import static io.kvorum.config.Loading.loaded;
import static io.kvorum.config.Loading.warnings;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.config.ServerConfig.LogFormat;
import io.kvorum.config.ServerConfig.LogLevel;
import io.kvorum.config.ServerConfig.LogOutput;
import io.kvorum.config.ServerConfig.LoggingConfig;
import io.kvorum.config.ServerConfig.StorageConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ValidationTest {

  private static final EndpointUrl CLIENT =
      new EndpointUrl("http", "localhost", 2379, "http://localhost:2379");
  private static final EndpointUrl PEER =
      new EndpointUrl("http", "localhost", 2380, "http://localhost:2380");

  @Test
  void defaultsAreEtcds() {
    ServerConfig config = loaded();
    assertEquals(
        new ServerConfig.MemberConfig(
            "default", Path.of("default.etcd"), Path.of("default.etcd/member/wal")),
        config.member());
    assertEquals(List.of(PEER), config.cluster().listenPeerUrls());
    assertEquals(List.of(PEER), config.cluster().initialAdvertisePeerUrls());
    assertEquals(List.of(CLIENT), config.cluster().advertiseClientUrls());
    assertEquals(Map.of("default", List.of(PEER)), config.cluster().initialCluster());
    assertEquals("etcd-cluster", config.cluster().initialClusterToken());
    assertTrue(config.cluster().strictReconfigCheck());
    assertEquals(new ServerConfig.RaftConfig(100, 1000, true, true, 10_000, 5_000), config.raft());
    assertEquals(10, config.raft().electionTimeoutTicks());
    assertEquals(Duration.ofSeconds(7), config.raft().requestTimeout());
    assertEquals(
        new ServerConfig.ClientApiConfig(
            List.of(CLIENT),
            128,
            1_572_864,
            4_294_967_295L,
            Duration.ofSeconds(5),
            Duration.ofHours(2),
            Duration.ofSeconds(20),
            Duration.ofMinutes(10),
            Duration.ofMillis(300)),
        config.clientApi());
    assertEquals(2_097_152, config.clientApi().maxReceiveBytes());
    assertEquals(
        new StorageConfig(
            2_147_483_648L,
            false,
            1_000,
            Duration.ofMillis(10),
            Duration.ZERO,
            0,
            Duration.ofMillis(100)),
        config.storage());
    assertEquals(
        new LoggingConfig(LogLevel.INFO, LogFormat.JSON, List.of(LogOutput.STDERR)),
        config.logging());
    assertEquals(new ServerConfig.MetricsConfig(false), config.metrics());
    assertEquals(new ServerConfig.TuningConfig(0, 0, 0), config.tuning());
  }

  @Test
  void retention() {
    assertEquals(Duration.ofHours(3), retainedPeriod("3"));
    assertEquals(Duration.ofMinutes(90), retainedPeriod("1h30m"));
    assertEquals(Duration.ZERO, retainedPeriod("0"));
    StorageConfig storage =
        loaded("--auto-compaction-mode=revision", "--auto-compaction-retention=1000").storage();
    assertEquals(1000, storage.retainedRevisions());
    assertEquals(Duration.ZERO, storage.retainedPeriod());
    assertRefused("must be one of", "--auto-compaction-mode=never");
    assertRefused("must not be negative", "--auto-compaction-retention=-1h");
    assertRefused("--auto-compaction-retention=1x", "--auto-compaction-retention=1x");
    assertRefused("--auto-compaction-retention=-1", "--auto-compaction-retention=-1");
    assertRefused(
        "whole number of revisions",
        "--auto-compaction-mode=revision",
        "--auto-compaction-retention=1h");
  }

  private Duration retainedPeriod(String text) {
    return loaded("--auto-compaction-retention=" + text).storage().retainedPeriod();
  }

  private void assertRefused(String with, String... arguments) {
    List<String> errors = errors(arguments);
    assertEquals(1, errors.size(), errors.toString());
    assertTrue(errors.getFirst().contains(with), errors.toString());
  }

  @Test
  void directoriesFollowTheName() {
    ServerConfig config = loaded("--name=infra0");
    assertEquals(Path.of("infra0.etcd"), config.member().dataDirectory());
    assertEquals(Map.of("infra0", List.of(PEER)), config.cluster().initialCluster());
    assertEquals(Path.of("/w"), loaded("--wal-dir=/w").member().walDirectory());
    assertEquals(Path.of("/d/member/wal"), loaded("--data-dir=/d").member().walDirectory());
  }

  @Test
  void initialClusterFollowsTheAdvertisedUrls() {
    ServerConfig config = loaded("--initial-advertise-peer-urls=http://10.0.0.1:2380");
    assertEquals("{default=[http://10.0.0.1:2380]}", config.cluster().initialCluster().toString());
  }

  @ParameterizedTest
  @CsvSource({
    "100, 499, '--election-timeout=499: --election-timeout (499 ms) must be at least 5 times"
        + " --heartbeat-interval (100 ms)'",
    "100, 50001, '--election-timeout=50001: must be at most 50000 ms'",
    "0, 1000, '--heartbeat-interval=0: must be at least 1'",
    "-1, 1000, '--heartbeat-interval=-1: is not between 0 and 18446744073709551615'"
  })
  void refusesClocksThatCannotWork(String heartbeat, String election, String error) {
    assertEquals(
        List.of(error),
        errors("--heartbeat-interval=" + heartbeat, "--election-timeout=" + election));
  }

  @Test
  void refusesAHeartbeatTooLongForTheDefaultElection() {
    assertEquals(
        List.of(
            "--heartbeat-interval=300: --election-timeout (1000 ms) must be at least 5 times"
                + " --heartbeat-interval (300 ms)"),
        errors("--heartbeat-interval=300"));
  }

  @Test
  void acceptsClocksAtTheirBounds() {
    assertEquals(
        5,
        loaded("--heartbeat-interval=10000", "--election-timeout=50000")
            .raft()
            .electionTimeoutTicks());
  }

  @Test
  void movedClientListenerMustBeAdvertised() {
    assertEquals(
        List.of(
            "--listen-client-urls=http://localhost:1: needs --advertise-client-urls as well,"
                + " the URLs clients are told"),
        errors("--listen-client-urls=http://localhost:1"));
    ServerConfig config =
        loaded(
            "--listen-client-urls=http://127.0.0.1:1,http://[::1]:1",
            "--advertise-client-urls=https://example.com:443");
    assertEquals(2, config.clientApi().listenClientUrls().size());
    assertEquals("https", config.cluster().advertiseClientUrls().getFirst().scheme());
  }

  @Test
  void listenersNeedAddresses() {
    assertEquals(
        List.of(
            "--listen-peer-urls=http://example.com:1: 'http://example.com:1' must have an IP"
                + " address or localhost to listen on"),
        errors("--listen-peer-urls=http://example.com:1"));
    assertEquals(1, errors("--listen-peer-urls=http://1.2.3.256:1").size());
    assertEquals(1, errors("--listen-peer-urls=http://:1").size());
  }

  @Test
  void listenersMustNotCollide() {
    assertEquals(
        List.of(
            "--listen-client-urls=http://127.0.0.1:7: 127.0.0.1:7 is also in --listen-peer-urls"),
        errors(
            "--listen-peer-urls=http://127.0.0.1:7",
            "--listen-client-urls=http://127.0.0.1:7",
            "--advertise-client-urls=http://127.0.0.1:7"));
  }

  @Test
  void advertisedUrlsMustBeReachable() {
    assertEquals(
        List.of(
            "--advertise-client-urls=http://:2379: 'http://:2379' must have a host and a port"
                + " that others can reach"),
        errors("--advertise-client-urls=http://:2379"));
    assertEquals(1, errors("--initial-advertise-peer-urls=http://h:0").size());
    assertEquals(
        List.of("--advertise-client-urls=: must name at least one URL"),
        errors("--advertise-client-urls="));
  }

  @Test
  void initialClusterMustNameThisMemberWithItsUrls() {
    assertEquals(
        List.of(
            "--initial-cluster=b=http://localhost:2380: must contain this member, --name=a; it has"
                + " [b]"),
        errors("--name=a", "--initial-cluster=b=http://localhost:2380"));
    assertEquals(
        List.of(
            "--initial-cluster=a=http://localhost:1: a must have the URLs of"
                + " --initial-advertise-peer-urls, http://localhost:2380"),
        errors("--name=a", "--initial-cluster=a=http://localhost:1"));
    assertEquals(
        List.of("--initial-cluster=a: 'a' is not of the form name=http://host:port"),
        errors("--name=a", "--initial-cluster=a"));
  }

  @Test
  void initialClusterMayHaveManyMembers() {
    ServerConfig config =
        loaded(
            "--name=b",
            "--initial-advertise-peer-urls=http://10.0.0.2:1",
            "--initial-cluster=a=http://10.0.0.1:1,b=http://10.0.0.2:1,c=http://10.0.0.3:1",
            "--max-learners=2",
            "--initial-election-tick-advance=false",
            "--force-new-cluster");
    assertEquals(
        "{a=[http://10.0.0.1:1], b=[http://10.0.0.2:1], c=[http://10.0.0.3:1]}",
        config.cluster().initialCluster().toString());
    assertFalse(config.cluster().joinExisting());
    assertEquals(2, config.cluster().maxLearners());
    assertTrue(config.cluster().forceNewCluster());
    assertFalse(config.raft().initialElectionTickAdvance());
  }

  @Test
  void membersOfTheInitialClusterMustNotShareUrls() {
    assertEquals(
        List.of(
            "--initial-cluster=a=http://h:1,b=http://h:2,c=http://h:1: has duplicate url"
                + " http://h:1, of a and c"),
        errors(
            "--name=b",
            "--initial-advertise-peer-urls=http://h:2",
            "--initial-cluster=a=http://h:1,b=http://h:2,c=http://h:1"));
  }

  @Test
  void joiningNeedsThoseToJoin() {
    assertEquals(
        List.of(
            "--initial-cluster-state=existing: needs --initial-cluster with this member and those"
                + " of the cluster to join"),
        errors("--initial-cluster-state=existing"));
    assertTrue(
        loaded(
                "--name=b",
                "--initial-cluster=a=http://h:1,b=http://h:2",
                "--initial-cluster-state=existing")
            .cluster()
            .joinExisting());
  }

  @Test
  void initialClusterIsComparedByWhatNamesResolveTo() {
    loaded("--initial-cluster=default=http://127.0.0.1:2380");
  }

  @Test
  void initialClusterNoLongerMattersOnceThereIsData(@TempDir Path directory) throws IOException {
    Files.createDirectories(directory.resolve("member/wal"));
    Files.createFile(directory.resolve("member/wal/CURRENT"));
    assertEquals(
        List.of(
            "--initial-cluster=b=http://localhost:2380 is ignored: the data directory already"
                + " holds a member"),
        warnings(Map.of(), "--data-dir=" + directory, "--initial-cluster=b=http://localhost:2380"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--listen-peer-urls=http://127.0.0.1:1,http://127.0.0.1:2",
        "--initial-advertise-peer-urls=http://10.0.0.2:1,http://10.0.0.1:1",
        "--initial-cluster=default=http://localhost:2380,b=https://localhost:2381",
        "--initial-cluster=default=http://localhost:2380,b=unix://x",
        "--listen-peer-urls=https://localhost:2380",
        "--listen-peer-urls=unix://x",
        "--log-outputs=/var/log/etcd.log",
        "--feature-gates=SetMemberLocalAddr=true",
        "--feature-gates=AllAlpha=true",
        "--feature-gates=AllBeta=false",
        "--enable-grpc-gateway=false",
        "--auto-tls",
        "--auth-token=jwt,sign-method=RS256",
        "--discovery-srv=example.com",
        "--discovery-fallback=proxy",
        "--enable-distributed-tracing",
        "--listen-client-http-urls=http://localhost:1",
        "--cors=http://a:1",
        "--backend-batch-interval=100ms"
      })
  void refusesWhatIsStillToCome(String argument) {
    List<String> errors = errors(argument);
    assertEquals(1, errors.size(), errors.toString());
    assertTrue(errors.getFirst().startsWith("not supported yet: " + argument), errors.toString());
  }

  @Test
  void acceptsEtcdsDefaultForWhatIsStillToCome() {
    for (Flag flag : Flags.all()) {
      if (flag.support() == Support.NOT_YET) {
        assertInstanceOf(ConfigResult.Loaded.class, load(flag.dashed() + "=" + flag.defaultText()));
      }
    }
    loaded("--compact-hash-check-time=60s", "--enable-grpc-gateway=T", "--max-learners=0x1");
    loaded(
        "--feature-gates=AllBeta=true,LeaseCheckpoint=false", "--quota-backend-bytes=2147483648");
  }

  @Test
  void leasesAreCheckpointedWhateverTheGateSays() {
    loaded("--feature-gates=LeaseCheckpoint=true,LeaseCheckpointPersist=true");
    assertEquals(
        List.of("--feature-gates=LeaseCheckpoint=false has no effect in Kvorum: it is always on"),
        warnings(Map.of(), "--feature-gates=LeaseCheckpoint=false"));
  }

  @Test
  void quotaHasADefaultAndCanBeSwitchedOff() {
    assertEquals(2_147_483_648L, loaded().storage().quotaBytes());
    assertEquals(2_147_483_648L, loaded("--quota-backend-bytes=0").storage().quotaBytes());
    assertEquals(65_536, loaded("--quota-backend-bytes=65536").storage().quotaBytes());
    assertEquals(-1, loaded("--quota-backend-bytes=-1").storage().quotaBytes());
    assertEquals(
        List.of("--quota-backend-bytes=8589934593 exceeds the advised 8589934592"),
        warnings(Map.of(), "--quota-backend-bytes=8589934593"));
  }

  @Test
  void comparisonsOfMembersAreSwitchedOnOneByOne() {
    assertEquals(
        new ServerConfig.IntegrityConfig(false, Duration.ZERO, Duration.ZERO),
        loaded().integrity());
    assertEquals(
        new ServerConfig.IntegrityConfig(true, Duration.ofHours(1), Duration.ofMinutes(1)),
        loaded(
                "--feature-gates=InitialCorruptCheck=true,CompactHashCheck=true",
                "--corrupt-check-time=1h")
            .integrity());
    assertEquals(
        new ServerConfig.IntegrityConfig(false, Duration.ZERO, Duration.ofSeconds(5)),
        loaded(
                "--feature-gates=CompactHashCheck=true,InitialCorruptCheck=false",
                "--compact-hash-check-time=5s")
            .integrity());
    assertEquals(1, errors("--compact-hash-check-time=0s").size());
  }

  @Test
  void refusesUnknownFeatureGates() {
    assertEquals(
        List.of(
            "--feature-gates=Bogus=true,LeaseCheckpoint: unknown feature gate Bogus",
            "--feature-gates=Bogus=true,LeaseCheckpoint: 'LeaseCheckpoint' is not of the form"
                + " Name=true or Name=false"),
        errors("--feature-gates=Bogus=true,LeaseCheckpoint"));
  }

  @Test
  void warnsOfWhatHasNoEffect() {
    assertEquals(
        List.of("--max-wals=7 has no effect in Kvorum: log files kept; Kvorum's log trims itself"),
        warnings(Map.of(), "--max-wals=7"));
    assertEquals(1, errors("--v2-deprecation=not-yet").size());
  }

  @Test
  void zeroStandsForTheDefaultWhereEtcdHasItSo() {
    ServerConfig config =
        loaded(
            "--snapshot-count=0",
            "--max-concurrent-streams=0",
            "--warning-unary-request-duration=0",
            "--watch-progress-notify-interval=0s",
            "--compaction-batch-limit=0");
    assertEquals(10_000, config.raft().snapshotCountEntries());
    assertEquals(4_294_967_295L, config.clientApi().maxConcurrentStreams());
    assertEquals(Duration.ofMillis(300), config.clientApi().warningUnaryRequestDuration());
    assertEquals(Duration.ofMinutes(10), config.clientApi().watchProgressNotifyInterval());
    assertEquals(1_000, config.storage().compactionBatchRevisions());
  }

  @Test
  void raisesTooShortProgressIntervals() {
    assertEquals(
        Duration.ofMillis(100),
        loaded("--watch-progress-notify-interval=5ms").clientApi().watchProgressNotifyInterval());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--max-request-bytes=0",
        "--max-request-bytes=3000000000",
        "--max-txn-ops=0",
        "--max-concurrent-streams=4294967296",
        "--compaction-batch-limit=-1",
        "--compaction-sleep-interval=-1s",
        "--name=",
        "--name=a=b",
        "--logger=capnslog",
        "--log-format=xml",
        "--initial-cluster-state=old",
        "--listen-client-urls="
      })
  void refusesValuesOutOfBounds(String argument) {
    assertTrue(
        errors(argument, "--advertise-client-urls=http://localhost:1")
            .getFirst()
            .startsWith(argument + ": "));
  }

  @Test
  void hugeUnsignedValuesAreAccepted() {
    assertEquals(
        Long.MAX_VALUE,
        loaded("--snapshot-count=18446744073709551615").raft().snapshotCountEntries());
    assertEquals(Integer.MAX_VALUE, loaded("--max-txn-ops=9999999999").clientApi().maxTxnOps());
  }

  @Test
  void logOutputsAreStreamsOfTheProcess() {
    assertEquals(
        List.of(LogOutput.STDERR, LogOutput.STDOUT),
        loaded("--log-outputs=default,stdout,stderr").logging().outputs());
  }

  @Test
  void anythingButExtensiveMetricsIsBasic() {
    assertTrue(errors("--metrics=extensive").getFirst().startsWith("not supported yet: --metrics"));
    assertEquals(new ServerConfig.MetricsConfig(false), loaded("--metrics=whatever").metrics());
  }
}
