package io.kvorum.kvorumutl;

import static io.kvorum.kvorumutl.Tool.run;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.kvorumutl.Tool.Run;
import io.kvorum.kvorumutl.etcd.EtcdDatabase;
import io.kvorum.kvorumutl.etcd.Lease;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.persistence.mvcc.LeaseView;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.persistence.mvcc.StoredLease;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.authpb.Role;
import io.kvorum.protocol.authpb.User;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SnapshotCommandsTest {
  private static final String URL = "http://127.0.0.1:12380";

  @TempDir Path directory;
  private Path file = Path.of("");
  private Path data = Path.of("");

  @BeforeEach
  void unpack() throws IOException {
    file = directory.resolve("snapshot.db");
    data = directory.resolve("data");
    unpack("/etcd-3.7.db.gz");
  }

  private void unpack(String resource) throws IOException {
    try (InputStream packed = getClass().getResourceAsStream(resource)) {
      assertNotNull(packed);
      Files.write(file, new GZIPInputStream(packed).readAllBytes());
    }
  }

  private Run importing(String... more) {
    return run(
        Stream.concat(
                Stream.of(
                    "snapshot",
                    "import",
                    file.toString(),
                    "--data-dir=" + data,
                    "--initial-cluster=default=" + URL,
                    "--initial-advertise-peer-urls=" + URL),
                Stream.of(more))
            .toArray(String[]::new));
  }

  private void change(int at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[at] ^= 1;
    Files.write(file, bytes);
  }

  /** The answers of etcdutl 3.7. */
  @Test
  void tellsTheStatusAsEtcdutlDoes() {
    assertEquals("b48cbc24, 10, 4, 20 kB, 3.7.0\n", status("simple"));
    assertEquals(
        "{\"hash\":3029122084,\"revision\":10,\"totalKey\":4,\"totalSize\":20480,\"version\":\"3.7.0\"}\n",
        status("json"));
    assertEquals(
        """
        "Hash" : 3029122084
        "Revision" : 10
        "Keys" : 4
        "Size" : 20480
        "Version" : 3.7.0
        """,
        status("fields"));
    assertEquals(
        """
        ┌──────────┬──────────┬────────────┬────────────┬─────────┐
        │   HASH   │ REVISION │ TOTAL KEYS │ TOTAL SIZE │ VERSION │
        ├──────────┼──────────┼────────────┼────────────┼─────────┤
        │ b48cbc24 │       10 │          4 │      20 kB │   3.7.0 │
        └──────────┴──────────┴────────────┴────────────┴─────────┘
        """,
        status("table"));
  }

  /** The answers of etcdutl 3.7, which changes the file that it looks at. */
  @ParameterizedTest
  @CsvSource({
    "0,1272154299,10",
    "6,3620639972,6",
    "7,1578324513,7",
    "8,869288310,8",
    "9,3065432251,9",
    "10,1272154299,10"
  })
  void hashesAsEtcdutlDoes(long revision, long hash, long hashed) throws IOException {
    byte[] before = Files.readAllBytes(file);
    Run run = run("hashkv", file.toString(), "--rev=" + revision, "--temp-dir=" + directory);
    assertEquals(hash + ", " + hashed + ", 6\n", run.out(), run.err());
    assertArrayEquals(before, Files.readAllBytes(file));
    assertNothingMade();
  }

  @Test
  void refusesToHashWhatIsNotThere() throws IOException {
    Run refused = run("hashkv", file.toString(), "--rev=5", "--temp-dir=" + directory);
    assertEquals(1, refused.exitCode());
    assertTrue(refused.err().contains("required revision has been compacted"), refused.err());
    assertNothingMade();
  }

  /** As an etcd that etcdutl has restored so. */
  @Test
  void raisesTheRevision() throws IOException {
    Run made = importing("--bump-revision=100", "--mark-compacted");
    assertEquals(0, made.exitCode(), made.err());
    try (Keyspace keyspace =
            Keyspace.open(
                data.resolve("member/keyspace"), GroupId.DEFAULT, KeyspaceOptions.defaults());
        ReadView view = keyspace.view()) {
      assertEquals(110, view.currentRevision());
      assertEquals(110, view.compactedRevision());
      assertEquals(4, keyspace.stats().liveKeys());
    }
  }

  private String status(String format) {
    Run run = run("snapshot", "status", file.toString(), "-w", format);
    assertEquals(0, run.exitCode(), run.err());
    assertEquals("", run.err());
    return run.out();
  }

  @ParameterizedTest
  @CsvSource({
    "9,9 B",
    "10,10 B",
    "999,999 B",
    "1000,1.0 kB",
    "9949,9.9 kB",
    "9960,10 kB",
    "20480,20 kB",
    "21500,22 kB",
    "24576,25 kB",
    "1000000,1.0 MB",
    "2147483648,2.1 GB"
  })
  void writesSizesAsEtcdutlDoes(long bytes, String text) {
    assertEquals(text, ByteCount.text(bytes));
  }

  @Test
  void readsEveryBucket() {
    try (EtcdDatabase database = EtcdDatabase.open(file)) {
      assertEquals(6, database.meta().finishedCompaction());
      assertEquals(6, database.meta().scheduledCompaction());
      assertEquals("3.7.0", database.meta().storageVersion().orElseThrow());
      assertTrue(database.meta().consistentIndex() > 10);
      assertTrue(database.meta().term() >= 2);
      assertFalse(database.auth().enabled());
      assertEquals(
          List.of("root", "u"),
          database.auth().users().stream()
              .map(User::getName)
              .map(ByteString::toStringUtf8)
              .toList());
      assertEquals(
          List.of("r"),
          database.auth().roles().stream()
              .map(Role::getName)
              .map(ByteString::toStringUtf8)
              .toList());
      assertEquals(List.of(3600L), leases(database).stream().map(Lease::ttlSeconds).toList());
      assertEquals(List.of(), database.alarms());
      assertEquals(List.of(), database.unknownBuckets());
      assertEquals("3.7.0", database.cluster().version().orElseThrow());
      assertEquals(List.of("8ddab73534be950c"), List.copyOf(database.cluster().members().keySet()));
    }
  }

  private static List<Lease> leases(EtcdDatabase database) {
    List<Lease> leases = new ArrayList<>();
    assertEquals(1, database.leases(leases::add));
    return leases;
  }

  @Test
  void refusesWhatIsNotThere() throws IOException {
    Run refused = importing("--skip=auth,leases");
    assertEquals(1, refused.exitCode());
    assertTrue(refused.err().contains("--skip=leases"), refused.err());
    assertNothingMade();
  }

  @Test
  void refusesToOpenWhatWasProtected() throws IOException {
    unpack("/etcd-3.7-auth.db.gz");
    Run refused = importing();
    assertEquals(1, refused.exitCode());
    assertTrue(refused.err().contains("authentication: it is enabled"), refused.err());
    assertTrue(refused.err().contains("--skip=authentication"), refused.err());
    assertNothingMade();
    Run made = importing("--skip=authentication");
    assertEquals(0, made.exitCode(), made.err());
    assertTrue(made.err().contains("left behind: authentication"), made.err());
    String users = run("keyspace", "meta", "--data-dir=" + data).out();
    assertTrue(users.contains("\"users\":[{\"name\":\"alice\""), users);
    data = directory.resolve("without");
    made = importing("--skip=auth");
    assertEquals(0, made.exitCode(), made.err());
    assertTrue(made.err().contains("left behind: auth: 2 users and 1 role"), made.err());
    assertFalse(run("keyspace", "meta", "--data-dir=" + data).out().contains("alice"));
  }

  @Test
  void carriesLeasesAndUsersOver() throws IOException {
    Run made = importing();
    assertEquals(0, made.exitCode(), made.err());
    String meta = run("keyspace", "meta", "--data-dir=" + data).out();
    assertTrue(meta.contains("\"users\":[{\"name\":\"root\",\"roles\":[\"root\"]"), meta);
    assertTrue(meta.contains("\"roles\":[{\"name\":\"r\""), meta);
    assertFalse(meta.contains("password"), meta);
    List<StoredLease> leases = new ArrayList<>();
    try (Keyspace keyspace =
            Keyspace.open(
                data.resolve("member/keyspace"), GroupId.DEFAULT, KeyspaceOptions.defaults());
        LeaseView view = keyspace.leases()) {
      view.forEach(leases::add);
      assertEquals(1, leases.size());
      assertEquals(3600, leases.getFirst().ttlSeconds());
      assertEquals(List.of(ByteString.copyFromUtf8("leased")), view.keys(leases.getFirst().id()));
    }
  }

  private void assertNothingMade() throws IOException {
    try (Stream<Path> left = Files.list(directory)) {
      assertEquals(List.of(file), left.toList());
    }
  }

  /** They stay what they are, and so do their members, whoever these were. */
  @Test
  void carriesAlarmsOver() throws IOException {
    unpack("/etcd-3.7-alarms.db.gz");
    Run made = importing();
    assertEquals(0, made.exitCode(), made.err());
    assertTrue(made.err().contains("until etcdctl alarm disarm"), made.err());
    String alarms =
        "\"alarms\":[{\"memberID\":\"3\",\"alarm\":\"NOSPACE\"},"
            + "{\"memberID\":\"4d\",\"alarm\":\"NOSPACE\"},"
            + "{\"memberID\":\"4d\",\"alarm\":\"CORRUPT\"}]";
    Run meta = run("keyspace", "meta", "--data-dir=" + data);
    assertTrue(meta.out().contains(alarms), meta.out());
    data = directory.resolve("without");
    made = importing("--skip=alarm");
    assertTrue(made.err().contains("left behind: alarm: 3 alarms"), made.err());
    meta = run("keyspace", "meta", "--data-dir=" + data);
    assertFalse(meta.out().contains("NOSPACE"), meta.out());
  }

  @Test
  void importsKeysAndHistory() throws IOException {
    Run made = importing("--skip=auth,lease");
    assertEquals(0, made.exitCode(), made.err());
    assertTrue(made.err().contains("left behind: auth: 2 users"), made.err());
    assertTrue(made.err().contains("left behind: lease: 1 lease"), made.err());
    assertTrue(made.out().contains("4 keys in "), made.out());
    try (Keyspace keyspace =
            Keyspace.open(
                data.resolve("member/keyspace"), GroupId.DEFAULT, KeyspaceOptions.defaults());
        ReadView view = keyspace.view()) {
      assertEquals(new LogPosition(1, 1), keyspace.applied());
      assertEquals(10, view.currentRevision());
      assertEquals(6, view.compactedRevision());
      assertEquals(4, keyspace.stats().liveKeys());
      KeyValue rewritten = view.get(ByteString.copyFromUtf8("k1"), 0);
      assertNotNull(rewritten);
      assertEquals(2, rewritten.getVersion());
      assertEquals(3, rewritten.getModRevision());
      assertEquals("w1", rewritten.getValue().toStringUtf8());
      assertNull(view.get(ByteString.copyFromUtf8("k3"), 9));
      assertNotNull(view.get(ByteString.copyFromUtf8("k3"), 8));
      KeyValue leased = view.get(ByteString.copyFromUtf8("leased"), 0);
      assertNotNull(leased);
      assertTrue(leased.getLease() != 0);
    }
    assertTrue(Files.exists(data.resolve("member/wal/CURRENT")));
    Run again = importing("--skip=auth");
    assertEquals(1, again.exitCode());
    assertTrue(again.err().contains("is not empty"), again.err());
  }

  @Test
  void refusesAFileThatIsNotWhole() throws IOException {
    // In the free list, which nobody reads: only the checksum tells.
    change(Math.toIntExact(Files.size(file) - 40));
    Run refused = run("snapshot", "status", file.toString());
    assertEquals(1, refused.exitCode());
    assertTrue(refused.err().contains("its SHA-256 does not match"), refused.err());
    refused = importing("--skip=auth");
    assertTrue(refused.err().contains("its SHA-256 does not match"), refused.err());
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 32));
    refused = importing("--skip=auth");
    assertTrue(refused.err().contains("has no checksum"), refused.err());
    assertNothingMade();
    assertEquals(0, importing("--skip-hash-check").exitCode());
  }

  @Test
  void keepsTheServersRulesForFlags() throws IOException {
    Run refused = importing("--name=other");
    assertEquals(1, refused.exitCode());
    assertTrue(refused.err().contains("must contain this member"), refused.err());
    assertNothingMade();
    assertEquals(2, run("snapshot", "import").exitCode());
    assertEquals(2, run("snapshot", "status", file.toString(), "-w", "xml").exitCode());
    assertEquals(2, run("snapshot").exitCode());
  }

  @Test
  void removesWhatAKilledOneHasLeft() throws IOException {
    Path left = directory.resolve(".data.unfinished/data/member");
    Files.createDirectories(left);
    Files.writeString(left.resolve("half"), "done");
    assertEquals(0, importing("--skip=auth").exitCode());
    assertFalse(Files.exists(directory.resolve(".data.unfinished")));
    assertFalse(Files.exists(data.resolve("member/half")));
  }
}
