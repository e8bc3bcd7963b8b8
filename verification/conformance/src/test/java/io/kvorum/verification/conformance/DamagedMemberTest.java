package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.HashKVRequest;
import io.etcd.jetcd.api.HashKVResponse;
import io.etcd.jetcd.api.KeyValue;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Cluster.Setup;
import io.kvorum.verification.conformance.cluster.Etcdctl;
import io.kvorum.verification.conformance.cluster.Loopback;
import io.kvorum.verification.conformance.cluster.Member;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Command;
import io.kvorum.verification.conformance.harness.Directories;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk that changes what it was given, below one of three real members; and the way back. */
class DamagedMemberTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int KEYS = 2_000;
  private static final int INDEX_AND_FOOTER_BYTES = 2_000;
  private static final ByteString PREFIX = ByteString.copyFromUtf8("key/");
  private static final ByteString PREFIX_END = ByteString.copyFromUtf8("key0");

  private final Setup setup =
      Setup.of(Binaries.kvorum(), new Loopback(4), 3).dataUnder(Directories.fast());

  @TempDir private Path directory;

  @Test
  void aKeyspaceDamagedWhileItIsReadIsBuiltAnew() throws Exception {
    try (var cluster = Cluster.start(setup)) {
      var leader = cluster.leader();
      fill(leader, 1);
      var damaged = cluster.followers().getFirst();
      var table = tableOfRows(damaged);
      var whole = range(leader, false);
      assertEquals(whole, range(damaged, false));
      flip(table, Files.size(table) / 3);

      readsUntilRefused(damaged, whole);
      assertEquals(1, damaged.server().awaitExit(LIMIT), () -> damaged.server().outputEnd());
      names(damaged, table);

      refusesToStart(damaged, table, "kvorumutl member rebuild");
      fill(leader, 2);
      var snapshot = directory.resolve("snapshot");
      var saved = Etcdctl.run(leader, "snapshot", "save", snapshot.toString());
      assertEquals(0, saved.exitCode(), saved::toString);
      fill(leader, 3);
      var rebuilt = rebuild(damaged, snapshot);
      assertEquals(0, rebuilt.exitCode(), rebuilt::toString);

      damaged.server().startAgain();
      assertEqualEverywhere(cluster);
      assertEquals(range(leader, false), range(damaged, true));
    }
  }

  @Test
  void aLogThatIsDamagedIsNotTrusted() throws Exception {
    try (var cluster = Cluster.start(setup)) {
      var leader = cluster.leader();
      fill(leader, 1);
      var damaged = cluster.followers().getFirst();
      damaged.kill();
      var log = newest(damaged.server().dataDirectory().resolve("member/wal"), ".log");
      // The last thing it was told of, and acknowledged: without it the member would have less.
      flip(log, endOfData(log) - 3);
      refusesToStart(damaged, log, "etcdctl member remove");
      var snapshot = directory.resolve("snapshot");
      Etcdctl.run(leader, "snapshot", "save", snapshot.toString());
      var rebuilt = rebuild(damaged, snapshot);
      assertEquals(1, rebuilt.exitCode(), rebuilt::toString);
      assertTrue(rebuilt.err().contains(log.getFileName().toString()), rebuilt::toString);

      var fresh = cluster.replaceLost(damaged, "again");
      fresh.server().startAgain();
      assertEqualEverywhere(cluster);
    }
  }

  @Test
  void everyKindOfFileIsNamedAtTheStart() throws Exception {
    try (var cluster = Cluster.start(setup)) {
      fill(cluster.leader(), 1);
      var member = cluster.followers().getFirst();
      defragment(member);
      member.server().terminate();
      var data = member.server().dataDirectory().resolve("member");
      // The log first: whoever opens it moves what it holds into a table.
      var wal = data.resolve("wal");
      var log = newest(wal, ".log");
      refusedWhileDamaged(member, log, endOfData(log) / 2);
      refusedWhileDamaged(member, wal.resolve("CURRENT"), 3);
      refusedWhileDamaged(member, manifest(wal), 20);
      var keyspace = data.resolve("keyspace/generation-1");
      var tables = files(keyspace, ".sst");
      refusedWhileDamaged(member, tables.getFirst(), Files.size(tables.getFirst()) - 60);
      refusedWhileDamaged(member, keyspace.resolve("CURRENT"), 3);
      refusedWhileDamaged(member, manifest(keyspace), 20);
      member.server().startAgain();
      assertEqualEverywhere(cluster);
    }
  }

  @Test
  void aSingleNodeLosesNothing() throws Exception {
    var alone = Setup.of(Binaries.kvorum(), new Loopback(1), 1).dataUnder(Directories.fast());
    try (var cluster = Cluster.start(alone)) {
      var node = cluster.leader();
      fill(node, 1);
      var snapshot = directory.resolve("snapshot");
      Etcdctl.run(node, "snapshot", "save", snapshot.toString());
      fill(node, 2);
      int before = hash(node, 0).getHash();
      for (var from : List.of(List.of("--from", snapshot.toString()), List.<String>of())) {
        node.server().terminate();
        var keyspace = node.server().dataDirectory().resolve("member/keyspace");
        flip(files(keyspace, "CURRENT").getLast(), 3);
        refusesToStart(node, Path.of("CURRENT"), "kvorumutl member rebuild");
        var rebuilt = rebuild(node, from);
        assertEquals(0, rebuilt.exitCode(), rebuilt::toString);
        node.server().startAgain();
        Await.until("it answers", LIMIT, () -> node.status().isPresent());
        assertEquals(before, hash(node, 0).getHash());
        for (var path : rebuilt.out().lines().filter(l -> l.startsWith("kept beside: ")).toList())
          Directories.delete(Path.of(path.substring("kept beside: ".length())));
      }
    }
  }

  @Test
  void anIndexThatGoesBadIsFoundWithoutBeingAskedFor() throws Exception {
    var alone = Setup.of(Binaries.kvorum(), new Loopback(1), 1).dataUnder(Directories.fast());
    try (var cluster = Cluster.start(alone)) {
      var node = cluster.leader();
      fill(node, 1);
      var table = tableOfRows(node);
      flip(table, Files.size(table) - 60);
      assertEquals(1, node.server().awaitExit(LIMIT), () -> node.server().outputEnd());
      names(node, table);
    }
  }

  private static void fill(Member member, int round) {
    var random = new Random(round);
    byte[] value = new byte[100];
    for (int i = 0; i < KEYS / round; i++) {
      random.nextBytes(value);
      var unused =
          member
              .connection()
              .kv(LIMIT)
              .put(
                  PutRequest.newBuilder()
                      .setKey(ByteString.copyFromUtf8("key/%05d".formatted(i)))
                      .setValue(ByteString.copyFrom(value))
                      .build());
    }
  }

  private static void defragment(Member member) {
    var done = Etcdctl.run(member, "defrag");
    assertEquals(0, done.exitCode(), done::toString);
  }

  /** Has everything written to tables; the largest holds rows of every kind. */
  private static Path tableOfRows(Member member) throws IOException {
    defragment(member);
    var tables = files(member.server().dataDirectory().resolve("member/keyspace"), ".sst");
    Path largest = tables.getFirst();
    for (var table : tables) {
      largest = Files.size(table) > Files.size(largest) ? table : largest;
    }
    assertTrue(Files.size(largest) > 3 * INDEX_AND_FOOTER_BYTES, largest::toString);
    return largest;
  }

  private static List<KeyValue> range(Member member, boolean serializable) {
    return range(member, serializable, 0);
  }

  private static List<KeyValue> range(Member member, boolean serializable, long revision) {
    return member
        .connection()
        .kv(LIMIT)
        .range(
            RangeRequest.newBuilder()
                .setKey(PREFIX)
                .setRangeEnd(PREFIX_END)
                .setSerializable(serializable)
                .setRevision(revision)
                .build())
        .getKvsList();
  }

  /** Every answer is right, until there is none any more. */
  private static void readsUntilRefused(Member member, List<KeyValue> whole) {
    Await.until(
        "a refusal",
        LIMIT,
        () -> {
          try {
            assertEquals(whole, range(member, true));
            // What lies in tables for the past.
            range(member, true, KEYS);
            return false;
          } catch (StatusRuntimeException refused) {
            var code = refused.getStatus().getCode();
            assertTrue(
                code == Status.Code.DATA_LOSS || code == Status.Code.UNAVAILABLE,
                refused::toString);
            return true;
          }
        });
  }

  private static void names(Member member, Path file) {
    var output = member.server().outputEnd();
    assertTrue(output.contains(file.getFileName() + " is damaged"), () -> file + "\n" + output);
  }

  private static void refusesToStart(Member member, Path file, String advice) {
    int before = member.server().output().length();
    member.server().launch();
    assertEquals(1, member.server().awaitExit(LIMIT), () -> member.server().outputEnd());
    var said = member.server().output().substring(before);
    assertTrue(said.contains(file.getFileName() + " is damaged"), () -> file + "\n" + said);
    assertTrue(said.contains(advice), said);
  }

  private static void refusedWhileDamaged(Member member, Path file, long at) throws IOException {
    byte[] whole = Files.readAllBytes(file);
    flip(file, at);
    refusesToStart(member, file, "etcdctl");
    Files.write(file, whole);
  }

  private static Command.Result rebuild(Member member, Path snapshot) {
    return rebuild(member, List.of("--from", snapshot.toString()));
  }

  private static Command.Result rebuild(Member member, List<String> from) {
    var data = member.server().dataDirectory().toString();
    var tool = Binaries.kvorumutl().toString();
    var command = new ArrayList<>(List.of(tool, "member", "rebuild", "--data-dir", data));
    command.addAll(from);
    return Command.run(LIMIT, Map.of(), "", command);
  }

  private static void assertEqualEverywhere(Cluster cluster) {
    var leader = cluster.leader();
    var expected = hash(leader, 0);
    long revision = expected.getHeader().getRevision();
    for (var member : cluster.members()) {
      Await.until(
          member + " has revision " + revision,
          LIMIT,
          () ->
              member.status().map(s -> s.getHeader().getRevision() >= revision).orElse(false)
                  && hash(member, revision).getHash() == expected.getHash());
    }
    assertNotEquals(0, expected.getHash());
  }

  private static HashKVResponse hash(Member member, long revision) {
    return MaintenanceGrpc.newBlockingStub(member.connection().channel())
        .withDeadlineAfter(LIMIT.toSeconds(), TimeUnit.SECONDS)
        .hashKV(HashKVRequest.newBuilder().setRevision(revision).build());
  }

  private static void flip(Path file, long at) throws IOException {
    try (RandomAccessFile content = new RandomAccessFile(file.toFile(), "rw")) {
      content.seek(at);
      int old = content.read();
      content.seek(at);
      content.write(old ^ 0x10);
    }
  }

  private static long endOfData(Path log) throws IOException {
    byte[] content = Files.readAllBytes(log);
    int end = content.length;
    while (end > 0 && content[end - 1] == 0) {
      end--;
    }
    return end;
  }

  private static List<Path> files(Path below, String ending) throws IOException {
    try (Stream<Path> tree = Files.walk(below)) {
      return tree.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    }
  }

  /** The newest of them that is not empty. */
  private static Path newest(Path below, String ending) throws IOException {
    Path newest = null;
    for (var file : files(below, ending)) {
      newest = Files.size(file) > 0 ? file : newest;
    }
    assertNotNull(newest, "no " + ending + " with content in " + below);
    return newest;
  }

  private static Path manifest(Path levelDb) throws IOException {
    return levelDb.resolve(Files.readString(levelDb.resolve("CURRENT")).strip());
  }
}
