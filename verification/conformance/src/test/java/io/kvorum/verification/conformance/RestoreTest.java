package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.CompactionRequest;
import io.etcd.jetcd.api.DeleteRangeRequest;
import io.etcd.jetcd.api.HashKVRequest;
import io.etcd.jetcd.api.HashKVResponse;
import io.etcd.jetcd.api.HashRequest;
import io.etcd.jetcd.api.KeyValue;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.WatchCreateRequest;
import io.etcd.jetcd.api.WatchRequest;
import io.etcd.jetcd.api.WatchResponse;
import io.grpc.stub.StreamObserver;
import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Etcdctl;
import io.kvorum.verification.conformance.cluster.Loopback;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Command;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.harness.Place;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A cluster's snapshot, saved by etcdctl, and the clusters that are made of it. */
class RestoreTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final ByteString EVERYTHING = ByteString.copyFrom(new byte[] {0});
  private static final int KEYS = 40;
  private static final long COMPACTED = 30;

  /** What a cluster says of itself. */
  private record Said(
      TreeMap<Long, List<KeyValue>> keys, TreeMap<Long, Integer> hashes, long cluster) {}

  @TempDir private static Path shared;

  @TempDir private Path directory;

  private static long revision;
  private static int hashOfAll;

  @SuppressWarnings("NullAway.Init")
  private static Said before;

  private static List<KeyValue> newest = List.of();

  @BeforeAll
  static void save() {
    var setup =
        Cluster.Setup.of(Binaries.kvorum(), new Loopback(3), 3).dataUnder(Directories.fast());
    try (var cluster = Cluster.start(setup)) {
      var leader = cluster.leader();
      fill(leader.connection());
      var saved = Etcdctl.run(leader, "snapshot", "save", snapshot());
      assertEquals(0, saved.exitCode(), saved::toString);
      before = said(leader.connection());
      newest = everything(leader.connection(), 0);
      hashOfAll =
          MaintenanceGrpc.newBlockingStub(leader.connection().channel())
              .hash(HashRequest.getDefaultInstance())
              .getHash();
    }
  }

  private static void fill(Connection to) {
    for (int i = 0; i < KEYS; i++) put(to, "k" + i % 13, "v" + i);
    var delete = DeleteRangeRequest.newBuilder().setKey(utf8("k3")).setRangeEnd(utf8("k6"));
    var unused = to.kv().deleteRange(delete.build());
    var compaction = CompactionRequest.newBuilder().setRevision(COMPACTED).setPhysical(true);
    var done = to.kv().compact(compaction.build());
    revision = put(to, "last", "value");
  }

  private static long put(Connection to, String key, String value) {
    var put = PutRequest.newBuilder().setKey(utf8(key)).setValue(utf8(value)).build();
    return to.kv().put(put).getHeader().getRevision();
  }

  private static ByteString utf8(String text) {
    return ByteString.copyFromUtf8(text);
  }

  private static String snapshot() {
    return shared.resolve("snapshot.db").toString();
  }

  private static Said said(Connection to) {
    var keys = new TreeMap<Long, List<KeyValue>>();
    var hashes = new TreeMap<Long, Integer>();
    // At the compacted one, the member that compacted remembers another hash than can be computed.
    for (long at = COMPACTED; at <= revision; at++) {
      keys.put(at, everything(to, at));
      if (at > COMPACTED) hashes.put(at, hash(to, at).getHash());
    }
    var cluster = to.kv().range(RangeRequest.newBuilder().setKey(utf8("k")).build());
    return new Said(keys, hashes, cluster.getHeader().getClusterId());
  }

  private static List<KeyValue> everything(Connection to, long at) {
    var all = RangeRequest.newBuilder().setKey(EVERYTHING).setRangeEnd(EVERYTHING);
    return to.kv().range(all.setRevision(at).build()).getKvsList();
  }

  private static HashKVResponse hash(Connection to, long at) {
    return MaintenanceGrpc.newBlockingStub(to.channel())
        .hashKV(HashKVRequest.newBuilder().setRevision(at).build());
  }

  private static Command.Result kvorumutl(String... arguments) {
    return Command.run(
        LIMIT,
        Stream.concat(Stream.of(Binaries.kvorumutl().toString()), Stream.of(arguments))
            .toArray(String[]::new));
  }

  private static Command.Result succeeded(String... arguments) {
    var result = kvorumutl(arguments);
    assertEquals(0, result.exitCode(), result::toString);
    return result;
  }

  @AfterAll
  static void forget() throws Exception {
    Files.deleteIfExists(shared.resolve("snapshot.db"));
  }

  /** The hash is the one that the server gives for everything it stores. */
  @Test
  void statusIsWhatTheServerSaid() {
    var status = succeeded("snapshot", "status", snapshot(), "-w", "json").out();
    var known =
        "{\"hash\":%d,\"revision\":%d,\"totalKey\":%d,"
            .formatted(Integer.toUnsignedLong(hashOfAll), revision, newest.size());
    assertTrue(status.startsWith(known), () -> status + " does not begin with " + known);
    assertTrue(status.endsWith(",\"version\":\"3.7.0\"}\n"), status);
  }

  @Test
  void aClusterOfThreeServesWhatTheOldOneHad() {
    var setup =
        Cluster.Setup.of(Binaries.kvorum(), new Loopback(3), 3)
            .token("restored")
            .dataUnder(Directories.fast());
    try (var cluster = Cluster.notStarted(setup)) {
      for (var member : cluster.members())
        succeeded(
            "snapshot",
            "restore",
            snapshot(),
            "--data-dir=" + member.server().dataDirectory(),
            "--name=" + member.name(),
            "--initial-cluster=" + setup.initialCluster(),
            "--initial-cluster-token=restored",
            "--initial-advertise-peer-urls=" + member.peerUrl());
      cluster.startAll();
      for (var member : cluster.members()) {
        var now = said(member.connection());
        assertEquals(before.keys(), now.keys(), member::toString);
        assertEquals(before.hashes(), now.hashes(), member::toString);
        assertNotEquals(before.cluster(), now.cluster());
        assertEquals(3, member.memberList().size());
      }
      assertEquals(revision + 1, put(cluster.leader().connection(), "next", ""));
    }
  }

  @Test
  void clientsOfARaisedRevisionAreToldToBeginAnew() {
    var data = directory.resolve("data");
    var place = Place.onLoopback();
    succeeded(
        "snapshot",
        "restore",
        snapshot(),
        "--data-dir=" + data,
        "--wal-dir=" + directory.resolve("wal"),
        "--initial-cluster=default=" + place.peerUrl(),
        "--initial-advertise-peer-urls=" + place.peerUrl(),
        "--bump-revision=1000000000",
        "--mark-compacted");
    long raised = revision + 1_000_000_000;
    var settings = Settings.plain().dataIn(data).at(place).flags("--wal-dir", directory + "/wal");
    try (var member = ServerProcess.start(Binaries.kvorum(), settings);
        var to = Connection.to(member.address())) {
      assertEquals(raised, watchedFrom(to, revision).getCompactRevision());
      assertEquals(raised, watchedFrom(to, raised - 1).getCompactRevision());
      var all = RangeRequest.newBuilder().setKey(EVERYTHING).setRangeEnd(EVERYTHING).build();
      var answer = to.kv().range(all);
      assertEquals(raised, answer.getHeader().getRevision());
      assertEquals(newest, answer.getKvsList());
      assertEquals(raised + 1, put(to, "next", ""));
    }
  }

  private static WatchResponse watchedFrom(Connection to, long start) {
    var answers = new CopyOnWriteArrayList<WatchResponse>();
    var requests =
        to.watch()
            .watch(
                new StreamObserver<>() {
                  @Override
                  public void onNext(WatchResponse response) {
                    answers.add(response);
                  }

                  @Override
                  public void onError(Throwable cancelled) {
                    // what came before is looked at
                  }

                  @Override
                  public void onCompleted() {
                    // as above
                  }
                });
    var create = WatchCreateRequest.newBuilder().setKey(utf8("k1")).setStartRevision(start);
    requests.onNext(WatchRequest.newBuilder().setCreateRequest(create).build());
    Await.until(
        "the end of a watch from " + start,
        LIMIT,
        () -> !answers.isEmpty() && answers.getLast().getCanceled());
    requests.onCompleted();
    return answers.getLast();
  }

  /** While a server runs on it, its directory is left alone; afterwards all of it can be seen. */
  @Test
  void aStoppedMemberCanBeLookedInto() {
    var settings = Settings.plain().dataIn(directory.resolve("data"));
    var hashes = new ArrayList<Integer>();
    try (var member = ServerProcess.start(Binaries.kvorum(), settings);
        var to = Connection.to(member.address())) {
      fill(to);
      put(to, "bytes", "\u0000");
      hashes.add(hash(to, 0).getHash());
      var data = "--data-dir=" + member.dataDirectory();
      for (var busy :
          List.of(
              kvorumutl("wal", "dump", data),
              kvorumutl("keyspace", "meta", data),
              kvorumutl("defrag", data),
              kvorumutl("hashkv", member.dataDirectory().toString()))) {
        assertEquals(1, busy.exitCode(), busy::toString);
        assertTrue(busy.err().contains("already in use by another process"), busy::toString);
      }
      member.terminate();
      requireSeen(member.dataDirectory(), Integer.toUnsignedLong(hashes.getFirst()));
      member.startAgain();
      assertEquals(hashes.getFirst(), hash(to, 0).getHash());
    }
  }

  private static void requireSeen(Path dataDirectory, long hash) {
    var data = "--data-dir=" + dataDirectory;
    succeeded("defrag", data);
    var hashed = succeeded("hashkv", dataDirectory.toString(), "-w", "fields").out();
    assertTrue(hashed.startsWith("\"Hash\" : " + hash + "\n"), hashed);
    var entries = succeeded("wal", "dump", data).out().lines().toList();
    assertTrue(entries.getFirst().contains("\"type\":\"membership\""), entries.getFirst());
    assertEquals(
        1,
        entries.stream()
            .filter(e -> e.contains("\"put\":{\"key\":\"last\",\"value\":\"value\"}"))
            .count());
    assertTrue(
        entries.stream().anyMatch(e -> e.contains("\"value\":{\"hex\":\"00\"}")),
        entries::toString);
    assertTrue(entries.stream().allMatch(e -> e.contains("\"applied\":true")));
    assertEquals(
        entries.subList(2, 5),
        succeeded("wal", "dump", data, "--start-index=3", "--limit=3").out().lines().toList());
    var elsewhere = "--data-dir=" + dataDirectory.resolve("member");
    var wal = "--wal-dir=" + dataDirectory.resolve("member/wal");
    assertEquals(1, kvorumutl("wal", "dump", elsewhere, wal).exitCode());
    assertEquals(
        entries.stream().map(e -> e.replace("\"applied\":true", "\"applied\":false")).toList(),
        succeeded("wal", "dump", elsewhere, wal, "--tail").out().lines().toList());
    var meta = succeeded("keyspace", "meta", data).out();
    assertTrue(meta.contains("\"compact_revision\":" + COMPACTED + ","), meta);
    assertTrue(meta.contains("\"name\":\"default\""), meta);
    assertFalse(succeeded("keyspace", "keys", data).out().contains("\"k4\""));
  }
}
