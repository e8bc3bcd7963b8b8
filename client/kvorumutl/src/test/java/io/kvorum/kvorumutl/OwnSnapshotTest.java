package io.kvorum.kvorumutl;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.wal.LogAtRest;
import io.kvorum.kvorumutl.Tool.Run;
import io.kvorum.persistence.mvcc.KeyValueHash;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceExport;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.persistence.wal.WalSettings;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.Membership;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Snapshots of Kvorum's own: what they tell, and what is made of them. */
class OwnSnapshotTest {
  private static final String URL = "http://127.0.0.1:12380";
  private static final long REVISION = 8;
  private static final long COMPACTED = 4;

  @TempDir Path directory;
  private Path file = Path.of("");
  private Path data = Path.of("");
  private int hashOfAll;
  private KeyValueHash hash = new KeyValueHash(0, 0, 0);
  private long inUseBytes;

  @BeforeEach
  void save() throws IOException {
    file = directory.resolve("snapshot.db");
    data = directory.resolve("data");
    try (Member member = Member.in(directory.resolve("member"))) {
      member.put("a", "1").put("b", "1").put("a", "2").compact(COMPACTED);
      member.put("c", "1".repeat(10_000)).delete("b").put("a", "3").put("d", "1");
      member.keyspace().defragment();
      member.save(file);
      try (KeyspaceExport export = member.keyspace().export()) {
        hashOfAll = export.hashOfAllRows();
        hash = hashOf(export);
      }
      inUseBytes = member.keyspace().stats().sizeInUseBytes();
    }
  }

  private static KeyValueHash hashOf(KeyspaceExport export) {
    return switch (export.hash(0)) {
      case Outcome.Ok<KeyValueHash>(KeyValueHash of) -> of;
      case Outcome.Refused<KeyValueHash>(var error) -> throw new AssertionError(error);
    };
  }

  private Run restoring(String... more) {
    return Tool.run(
        Stream.concat(
                Stream.of(
                    "snapshot",
                    "restore",
                    file.toString(),
                    "--data-dir=" + data,
                    "--initial-cluster=default=" + URL,
                    "--initial-advertise-peer-urls=" + URL),
                Stream.of(more))
            .toArray(String[]::new));
  }

  private Run restored(String... more) {
    Run made = restoring(more);
    assertEquals(0, made.exitCode(), made.err());
    return made;
  }

  private void assertRefused(String reason, String... more) {
    Run refused = restoring(more);
    assertEquals(1, refused.exitCode(), refused.err());
    assertTrue(refused.err().contains(reason), refused.err());
  }

  private Keyspace open() {
    return Keyspace.open(
        data.resolve("member/keyspace"), GroupId.DEFAULT, KeyspaceOptions.defaults());
  }

  private void assertOnlyTheseLeft(Path... expected) throws IOException {
    try (Stream<Path> left = Files.list(directory)) {
      assertEquals(
          Stream.concat(Stream.of(file, directory.resolve("member")), Stream.of(expected))
              .sorted()
              .toList(),
          left.sorted().toList());
    }
  }

  @Test
  void tellsTheStatus() throws IOException {
    long size = Files.size(file) - 32;
    Run status = Tool.run("snapshot", "status", file.toString(), "-w", "json");
    assertEquals(
        "{\"hash\":%d,\"revision\":%d,\"totalKey\":3,\"totalSize\":%d,\"version\":\"3.7.0\"}\n"
            .formatted(Integer.toUnsignedLong(hashOfAll), REVISION, size),
        status.out(),
        status.err());
    status = Tool.run("snapshot", "status", file.toString());
    assertEquals(
        Integer.toHexString(hashOfAll) + ", 8, 3, " + ByteCount.text(size) + ", 3.7.0\n",
        status.out());
  }

  @Test
  void makesAMemberWithAllOfIt() throws IOException {
    assertTrue(restored().out().contains("3 keys in 6 records, revision 8, compacted revision 4"));
    assertOnlyTheseLeft(data);
    try (Keyspace keyspace = open();
        ReadView view = keyspace.view();
        KeyspaceExport export = keyspace.export()) {
      assertEquals(new LogPosition(1, 1), keyspace.applied());
      assertEquals(REVISION, view.currentRevision());
      assertEquals(COMPACTED, view.compactedRevision());
      assertEquals(hash, hashOf(export));
      assertEquals(inUseBytes, keyspace.stats().sizeInUseBytes());
      assertEquals(inUseBytes, keyspace.stats().sizeBytes());
      assertEquals(3, keyspace.stats().liveKeys());
      assertNotNull(view.get(ByteString.copyFromUtf8("b"), 5));
      assertNull(view.get(ByteString.copyFromUtf8("b"), 6));
      assertArrayEquals("kept".getBytes(UTF_8), keyspace.meta("note"));
      byte[] stored = keyspace.meta(MembershipState.META_KEY);
      assertNotNull(stored);
      Membership membership = MembershipState.parse(stored);
      assertTrue(membership.getClusterId() != Member.CLUSTER);
      assertEquals(List.of(URL), membership.getMembers(0).getPeerUrlsList());
      assertEquals("", membership.getClusterVersion());
      try (LogAtRest log =
          LogAtRest.open(WalSettings.in(data.resolve("member/wal")), GroupId.DEFAULT)) {
        assertEquals(new LogPosition(1, 1), log.outline().base());
        assertEquals(List.of(), log.outline().entries());
        assertNotNull(log.outline().identity());
      }
    }
    assertRefused("is not empty");
  }

  /** Another content is another cluster. */
  @Test
  void raisesTheRevision() {
    String plain = restored().out();
    data = directory.resolve("raised");
    String raised = restored("--bump-revision=1000", "--mark-compacted").out();
    assertTrue(raised.contains("revision 1008, compacted revision 1008"), raised);
    String cluster = "of cluster ";
    assertFalse(
        raised.substring(raised.indexOf(cluster)).startsWith(cluster(plain)), plain + raised);
    try (Keyspace keyspace = open();
        ReadView view = keyspace.view()) {
      var unused = keyspace.physicalCompaction().toCompletableFuture().join();
      assertEquals(1008, view.currentRevision());
      assertEquals(1008, view.compactedRevision());
      assertTrue(view.history(REVISION, 10, 1000) instanceof Outcome.Refused);
      assertNotNull(view.get(ByteString.copyFromUtf8("a"), 0));
      assertNull(view.get(ByteString.copyFromUtf8("b"), 0));
      assertEquals(3, keyspace.stats().liveKeys());
    }
  }

  private static String cluster(String told) {
    int from = told.indexOf("of cluster ");
    return told.substring(from, told.indexOf(',', from));
  }

  @Test
  void raisesOnlyWithTheMark() throws IOException {
    assertEquals(2, restoring("--bump-revision=5").exitCode());
    assertEquals(2, restoring("--mark-compacted").exitCode());
    assertEquals(2, restoring("--bump-revision=-1", "--mark-compacted").exitCode());
    assertRefused("cannot be raised", "--bump-revision=" + Long.MAX_VALUE, "--mark-compacted");
    assertOnlyTheseLeft();
  }

  @Test
  void refusesWhatIsNotWhole() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    byte[] changed = bytes.clone();
    changed[bytes.length / 2] ^= 1;
    Files.write(file, changed);
    assertRefused("its SHA-256 does not match");
    Run status = Tool.run("snapshot", "status", file.toString());
    assertTrue(status.err().contains("its SHA-256 does not match"), status.err());
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 32));
    assertRefused("has no checksum");
    Files.write(file, Arrays.copyOf(bytes, 1024));
    assertRefused("is cut off", "--skip-hash-check");
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 32 + 512));
    assertRefused("goes on behind its end", "--skip-hash-check");
    Files.write(file, "KVSN".getBytes(UTF_8));
    assertRefused("is damaged", "--skip-hash-check");
    assertOnlyTheseLeft();
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 32));
    restored("--skip-hash-check");
  }

  @Test
  void refusesWhatIsForEtcdsSnapshotsOnly() throws IOException {
    assertRefused("--skip is for", "--skip=auth");
    assertOnlyTheseLeft();
  }

  @Test
  void putsTheLogElsewhere() throws IOException {
    Path wal = directory.resolve("elsewhere/log");
    restored("--wal-dir=" + wal);
    assertTrue(Files.exists(wal.resolve("CURRENT")));
    assertFalse(Files.exists(wal.resolve("kvorum.unfinished")));
    assertFalse(Files.exists(data.resolve("member/wal")));
    data = directory.resolve("second");
    assertRefused("Name another --wal-dir", "--wal-dir=" + wal);
    assertOnlyTheseLeft(directory.resolve("data"), directory.resolve("elsewhere"));
  }

  /** Killed between the two moves: the log is of no data directory. */
  @Test
  void removesALogWhoseDataDirectoryNeverCame() throws IOException {
    Path wal = directory.resolve("log");
    restored("--wal-dir=" + wal);
    Files.writeString(wal.resolve("kvorum.unfinished"), "mark");
    Path workshop = directory.resolve(".data.unfinished");
    Files.createDirectory(workshop);
    Files.move(data, workshop.resolve("data"));
    Files.write(workshop.resolve("separate-log"), List.of("another mark", wal.toString()));
    assertRefused("Name another --wal-dir", "--wal-dir=" + wal);
    assertTrue(Files.exists(wal.resolve("CURRENT")), "it is somebody else's");

    Files.createDirectories(workshop.resolve("data"));
    Files.write(workshop.resolve("separate-log"), List.of("mark", wal.toString()));
    restored("--wal-dir=" + wal);
    assertOnlyTheseLeft(data, wal);
  }

  @Test
  void hashesWhatTheServerWouldHash() {
    restored();
    for (Path path : List.of(file, data)) {
      Run run = Tool.run("hashkv", path.toString(), "-w", "json");
      assertEquals(
          "{\"hash\":%d,\"hashRevision\":8,\"compactRevision\":4}\n"
              .formatted(Integer.toUnsignedLong(hash.crc32c())),
          run.out(),
          run.err());
    }
    Run refused = Tool.run("hashkv", file.toString(), "--rev=9");
    assertEquals(1, refused.exitCode());
    assertTrue(refused.err().contains("future revision"), refused.err());
    refused = Tool.run("hashkv", data.toString(), "--rev=3");
    assertTrue(refused.err().contains("has been compacted"), refused.err());
  }

  @Test
  void defragmentsAtRest() throws IOException {
    restored();
    try (Keyspace keyspace = open()) {
      Run refused = Tool.run("defrag", "--data-dir=" + data);
      assertEquals(1, refused.exitCode());
      assertTrue(refused.err().contains("already in use"), refused.err());
      assertEquals(REVISION, keyspace.currentRevision());
    }
    Run done = Tool.run("defrag", "--data-dir=" + data);
    assertEquals(0, done.exitCode(), done.err());
    assertEquals("", done.out());
    assertTrue(done.err().contains("now it takes"), done.err());
    try (Keyspace keyspace = open();
        KeyspaceExport export = keyspace.export()) {
      assertEquals(hash, hashOf(export));
    }
    Run none = Tool.run("defrag", "--data-dir=" + directory.resolve("nowhere"));
    assertTrue(none.err().contains("is no data directory"), none.err());
    assertFalse(Files.exists(directory.resolve("nowhere")));
  }

  @Test
  void looksIntoTheKeyspace() {
    restored();
    Run keys = Tool.run("keyspace", "keys", "--data-dir=" + data, "--prefix=a");
    assertEquals(
        "{\"key\":\"a\",\"create_revision\":2,\"mod_revision\":7,\"version\":3,\"value\":\"3\"}\n",
        keys.out(),
        keys.err());
    assertEquals(
        2, Tool.run("keyspace", "keys", "--data-dir=" + data, "--limit=2").out().lines().count());
    Run revisions = Tool.run("keyspace", "revisions", "--data-dir=" + data, "--from=6", "--to=7");
    assertEquals(
        """
        {"revision":6,"sub":0,"type":"delete","key":"b"}
        {"revision":7,"sub":0,"type":"put","kv":{"key":"a","create_revision":2,"mod_revision":7,"version":3,"value":"3"}}
        """,
        revisions.out(),
        revisions.err());
    Run meta = Tool.run("keyspace", "meta", "--data-dir=" + data);
    assertTrue(
        meta.out()
            .startsWith(
                "{\"group\":0,\"applied_index\":1,\"applied_term\":1,\"revision\":8,\"compact_revision\":4,\"finished_compact_revision\":4,\"keys\":3,"),
        meta.out());
    assertTrue(meta.out().contains("\"peer_urls\":[\"" + URL + "\"]"), meta.out());
    assertTrue(meta.out().contains("\"other\":{\"note\":\"6b657074\"}"), meta.out());
    try (Keyspace keyspace = open()) {
      Run refused = Tool.run("keyspace", "meta", "--data-dir=" + data);
      assertEquals(1, refused.exitCode());
      assertTrue(refused.err().contains("already in use"), refused.err());
      assertEquals(REVISION, keyspace.currentRevision());
    }
  }
}
