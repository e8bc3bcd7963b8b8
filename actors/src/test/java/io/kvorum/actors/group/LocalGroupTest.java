package io.kvorum.actors.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.typesafe.config.ConfigFactory;
import io.kvorum.actors.raft.RaftSettings;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.persistence.mvcc.ApplyBatch;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceExport;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.persistence.mvcc.KeyspaceStaging;
import io.kvorum.persistence.wal.WalJournalExtension;
import io.kvorum.persistence.wal.WalMetrics;
import io.kvorum.persistence.wal.WalSettings;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.PutResponse;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.internal.Command;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.Done;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A group of one on real disks: what it was told is there after it was started again. */
final class LocalGroupTest {
  private static final long LIMIT_SECONDS = 20;
  private static final int MAX_REQUEST_BYTES = 10_000;
  private static final List<String> PEER_URLS = List.of("http://localhost:2380");

  @TempDir Path directory;

  /** One life of the member. */
  private final class Life implements AutoCloseable {
    final ActorTestKit kit = ActorTestKit.create("life", ConfigFactory.load());
    final ExecutorService reads = Executors.newFixedThreadPool(2);
    final GroupSupervisor.Lifecycle lifecycle = new GroupSupervisor.Lifecycle();
    final Keyspace keyspace;

    Life(String token, boolean tokenGiven) {
      WalJournalExtension.get(kit.system())
          .open(WalSettings.in(directory.resolve("wal")), WalMetrics.NONE);
      keyspace =
          Keyspace.open(directory.resolve("keyspace"), GroupId.DEFAULT, KeyspaceOptions.defaults());
      kit.spawn(
          GroupSupervisor.create(
              settings(token, tokenGiven),
              new GroupSupervisor.Environment(
                  keyspace, Telemetry.start(), reads, new TestNetwork().endpoint("default")),
              lifecycle));
    }

    Group group() throws Exception {
      return lifecycle.ready().get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
      kit.shutdownTestKit();
      lifecycle.stopped().join();
      keyspace.close();
      reads.shutdown();
    }
  }

  private static GroupSettings settings(String token, boolean tokenGiven) {
    return new GroupSettings(
        GroupId.DEFAULT,
        "default",
        new GroupSettings.InitialCluster(
            Map.of("default", PEER_URLS), false, token, tokenGiven, false),
        List.of("http://localhost:2379"),
        "3.7.1",
        new GroupSettings.MemberRules(true, 1),
        RaftSettings.of(10, 1, true, 5000),
        Duration.ofMillis(100),
        true,
        Duration.ofSeconds(7),
        MAX_REQUEST_BYTES,
        10_000,
        Duration.ofMillis(100),
        Duration.ofMinutes(10),
        new HistoryRetention.Everything(),
        GroupSettings.Safeguards.defaults());
  }

  private static Outcome<PutResponse.Builder> put(Group group, String key, String value)
      throws Exception {
    PutRequest put =
        PutRequest.newBuilder()
            .setKey(ByteString.copyFromUtf8(key))
            .setValue(ByteString.copyFromUtf8(value))
            .build();
    return group
        .propose(Command.newBuilder().setPut(put), PutResponse.Builder.class)
        .toCompletableFuture()
        .get(LIMIT_SECONDS, TimeUnit.SECONDS);
  }

  private static String read(Group group, String key) throws Exception {
    assertEquals(
        Outcome.ok(Done.getInstance()),
        group.linearizableBarrier().toCompletableFuture().get(LIMIT_SECONDS, TimeUnit.SECONDS));
    try (var view = group.view()) {
      var range = RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).build();
      return view.range(range)
              instanceof Outcome.Ok<io.kvorum.protocol.etcdserverpb.RangeResponse.Builder>(var r)
          ? r.getKvs(0).getValue().toStringUtf8()
          : "refused";
    }
  }

  @Test
  void whatWasAcknowledgedIsThereInTheNextLifeUnderTheSameIdentity() throws Exception {
    long clusterId;
    try (Life first = new Life("etcd-cluster", false)) {
      assertInstanceOf(Outcome.Ok.class, put(first.group(), "k", "v"));
      GroupStatus status = first.group().status();
      clusterId = status.clusterId();
      assertEquals("8e9e05c52164694d", status.member().toString());
      assertEquals(status.member(), status.leader());
      assertEquals("3.7.0", status.clusterVersion());
      assertEquals("default", status.members().getFirst().getName());
      assertEquals(2, first.group().header(7).getRaftTerm());
    }
    try (Life second = new Life("etcd-cluster", false)) {
      assertEquals("v", read(second.group(), "k"));
      assertEquals(clusterId, second.group().status().clusterId());
      assertEquals(3, second.group().header(7).getRaftTerm());
    }
  }

  @Test
  void aProposalThatIsTooLargeIsRefusedBeforeTheLogSeesIt() throws Exception {
    try (Life life = new Life("etcd-cluster", false)) {
      Group group = life.group();
      long committed = group.status().committedIndex();
      assertEquals(
          Outcome.refused(EtcdError.REQUEST_TOO_LARGE),
          put(group, "k", "x".repeat(MAX_REQUEST_BYTES)));
      assertEquals(committed, group.status().committedIndex());
    }
  }

  @Test
  void aLogOfAnotherClusterIsRefusedWhereTheTokenWasNamed() throws Exception {
    try (Life first = new Life("one", true)) {
      first.group();
    }
    try (Life other = new Life("two", true)) {
      ExecutionException refused = assertThrows(ExecutionException.class, other::group);
      assertTrue(
          String.valueOf(refused.getMessage()).contains("one, not two"), refused::getMessage);
    }
  }

  /** The keyspace was switched, then the process ended: the log still is the old one. */
  @Test
  void anInstallationThatWasInterruptedIsCompletedAtTheStart() throws Exception {
    try (Life first = new Life("etcd-cluster", false)) {
      put(first.group(), "k", "v");
    }
    switchToSnapshot("k", "from the snapshot");
    try (Life second = new Life("etcd-cluster", false)) {
      assertEquals("from the snapshot", read(second.group(), "k"));
      assertTrue(second.keyspace.unfinishedInstall().isEmpty());
      assertInstanceOf(Outcome.Ok.class, put(second.group(), "more", "m"));
    }
    try (Life third = new Life("etcd-cluster", false)) {
      assertEquals("from the snapshot", read(third.group(), "k"));
      assertEquals("m", read(third.group(), "more"));
    }
  }

  /** What the keyspace would hold had the log gone on elsewhere. */
  private void switchToSnapshot(String key, String value) {
    try (Keyspace keyspace = openKeyspace("keyspace");
        Keyspace elsewhere = openKeyspace("elsewhere")) {
      install(keyspace, elsewhere);
      LogPosition before = keyspace.applied();
      try (ApplyBatch batch = elsewhere.beginBatch()) {
        batch.put(
            new LogPosition(before.index() + 100, before.term()),
            PutRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8(key))
                .setValue(ByteString.copyFromUtf8(value))
                .build());
        batch.commit();
      }
      install(elsewhere, keyspace);
    }
  }

  private Keyspace openKeyspace(String name) {
    return Keyspace.open(directory.resolve(name), GroupId.DEFAULT, KeyspaceOptions.defaults());
  }

  private static void install(Keyspace from, Keyspace to) {
    KeyspaceStaging staging = to.stage(0);
    try (KeyspaceExport export = from.export();
        KeyspaceExport.Rows rows = export.rows()) {
      while (rows.advance()) {
        staging.put(rows.key(), rows.value());
      }
      staging.seal(export.position());
    }
    to.install(staging);
  }

  @Test
  void proposalsAreRefusedWhileTheApplierIsFarBehindAndNotWhileTheDiskOfTheLogIs()
      throws Exception {
    try (Life life = new Life("token", false)) {
      LocalGroup group = (LocalGroup) life.group();
      long last = group.status().appliedIndex();
      group.committed(last + 2 * ApplyGate.MAX_LAG_ENTRIES);
      assertInstanceOf(Outcome.Ok.class, put(group, "k", "v"));
      group.delivered(last + 2 * ApplyGate.MAX_LAG_ENTRIES);
      assertEquals(Outcome.refused(EtcdError.REQUEST_TOO_MANY_REQUESTS), put(group, "k", "v"));
      group.delivered(last);
      assertInstanceOf(Outcome.Ok.class, put(group, "k", "v"));
    }
  }
}
