package io.kvorum.persistence.mvcc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.testing.DamageTally;
import io.kvorum.persistence.testing.DamageTally.Outcome;
import io.kvorum.persistence.testing.DiskDamage;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Any file of a keyspace is damaged anywhere: whoever reads gets what was written, up to where the
 * keyspace says that it stands, or an error; and the file is named.
 */
class KeyspaceDamageTest {

  private static final int KEYS = 700;
  private static final int ENTRIES = 3_000;

  /** Of them come so many behind an installed snapshot, after which a file names the generation. */
  private static final int ENTRIES_BEHIND_INSTALL = 1_000;

  @TempDir Path directory;

  /** One change of one key; without a value the key is deleted. */
  private record Change(String key, String value) {}

  private final List<Change> changes = new ArrayList<>();
  private final Random random = new Random(11);

  private static KeyspaceOptions options() {
    return KeyspaceOptions.defaults()
        .withStorage(
            KeyspaceOptions.defaults()
                .storage()
                .withWriteBufferBytes(96 << 10)
                .withMinFreeBytes(0));
  }

  private static Keyspace open(Path keyspace) {
    return Keyspace.open(keyspace, GroupId.DEFAULT, options());
  }

  private void fill(Keyspace keyspace, int entries) {
    for (int i = 0; i < entries; i++) {
      String key = "key-%04d".formatted(random.nextInt(KEYS));
      boolean delete = random.nextInt(10) == 0;
      Change change =
          new Change(
              key, delete ? "" : "value-" + changes.size() + "x".repeat(random.nextInt(300)));
      changes.add(change);
      try (ApplyBatch batch = keyspace.beginBatch()) {
        LogPosition at = new LogPosition(changes.size(), 1);
        if (delete) {
          Requests.ok(batch.deleteRange(at, Requests.delete(key).build()));
        } else {
          Requests.ok(batch.put(at, Requests.put(key, change.value()).build()));
        }
        batch.commit();
      }
    }
  }

  private static void install(Keyspace from, Keyspace to) {
    try (KeyspaceExport export = from.export();
        KeyspaceExport.Rows rows = export.rows();
        KeyspaceStaging staging = to.stage(0)) {
      while (rows.advance()) {
        staging.put(rows.key(), rows.value());
      }
      staging.seal(export.position());
      to.install(staging);
      to.installFinished();
    }
  }

  @Test
  void atRest() throws Exception {
    Path whole = directory.resolve("whole");
    try (Keyspace source = open(directory.resolve("source"));
        Keyspace keyspace = open(whole)) {
      fill(source, ENTRIES - ENTRIES_BEHIND_INSTALL);
      install(source, keyspace);
      fill(keyspace, ENTRIES_BEHIND_INSTALL);
    }
    try (DamageTally tally = new DamageTally("keyspace")) {
      for (int n = 0; n < DiskDamage.SEEDS; n++) {
        int seed = DiskDamage.FIRST_SEED + n;
        Path damaged = directory.resolve("damaged-" + seed);
        DiskDamage.copy(whole, damaged);
        DiskDamage.Done done = DiskDamage.damage(damaged, DiskDamage.choices(seed, "keyspace"));
        tally.count(done, openAndRead(damaged, done, "seed " + seed + ", " + done));
        DiskDamage.delete(damaged);
      }
    }
  }

  private Outcome openAndRead(Path damaged, DiskDamage.Done done, String context) throws Exception {
    String name = done.file().getFileName().toString();
    try (Keyspace keyspace = open(damaged)) {
      try {
        assertHolds(keyspace, context);
      } catch (StorageException e) {
        assertEquals(StorageException.Reason.CORRUPT, e.reason(), context + ": " + e);
        assertNamed(keyspace, name, context);
        return Outcome.MET;
      }
      if (keyspace.applied().index() < changes.size() && !mayEndEarly(done)) {
        // What was cut is kept beside.
        try (Stream<Path> files = Files.list(done.file().getParent())) {
          assertTrue(files.anyMatch(file -> file.toString().contains(".torn")), context);
        }
      }
      return Outcome.RIGHT;
    } catch (StorageException e) {
      assertEquals(StorageException.Reason.CORRUPT, e.reason(), context + ": " + e);
      assertTrue(String.valueOf(e.getMessage()).contains(name), context + ": " + e.getMessage());
      return Outcome.REFUSED;
    } catch (RuntimeException e) {
      return fail(context, e);
    }
  }

  /**
   * A manifest that ends early is no other than an older one, and so is a log that ends exactly
   * between two records: the replicated log has what is missing.
   */
  private static boolean mayEndEarly(DiskDamage.Done done) {
    return done.kind().startsWith("MANIFEST")
        || done.what().startsWith("cut at")
        || done.what().startsWith("zeros from");
  }

  private static void assertNamed(Keyspace keyspace, String name, String context) throws Exception {
    StorageException named = keyspace.damage().toCompletableFuture().get(20, TimeUnit.SECONDS);
    assertTrue(String.valueOf(named.getMessage()).contains(name), context + ": " + named);
    assertTrue(
        String.valueOf(named.getMessage()).contains("kvorumutl member rebuild"),
        named.getMessage());
  }

  @Test
  void underAnOpenKeyspace() throws Exception {
    Path path = directory.resolve("running");
    try (Keyspace keyspace = open(path)) {
      fill(keyspace, ENTRIES);
    }
    int met = 0;
    for (int n = 0; n < Math.max(8, DiskDamage.SEEDS / 10); n++) {
      int seed = DiskDamage.FIRST_SEED + n;
      Path damaged = directory.resolve("running-" + seed);
      DiskDamage.copy(path, damaged);
      met += meetsDamage(damaged, seed) ? 1 : 0;
      DiskDamage.delete(damaged);
    }
    assertTrue(met > 0, "no damage was met");
  }

  /** False if it lies where nobody has to look for what is read here. */
  private boolean meetsDamage(Path keyspaceDirectory, int seed) throws Exception {
    String context = "seed " + seed;
    try (Keyspace keyspace = open(keyspaceDirectory)) {
      assertHolds(keyspace, context);
      Path table = flipRow(keyspaceDirectory, DiskDamage.choices(seed, "rows"));
      try {
        assertHolds(keyspace, context);
        return false;
      } catch (StorageException e) {
        assertEquals(StorageException.Reason.CORRUPT, e.reason(), context + ": " + e);
      }
      assertNamed(keyspace, table.getFileName().toString(), context);
    }
    // It is remembered, though no index is damaged.
    try (Keyspace keyspace = open(keyspaceDirectory)) {
      fail("opened " + keyspace.applied() + ", " + context);
    } catch (StorageException e) {
      assertEquals(StorageException.Reason.CORRUPT, e.reason(), context + ": " + e);
    }
    return true;
  }

  /** Changes a byte of some table's rows, in its first half. */
  private static Path flipRow(Path keyspace, Random random) throws IOException {
    List<Path> tables;
    try (Stream<Path> tree = Files.walk(keyspace)) {
      tables = tree.filter(file -> file.toString().endsWith(".sst")).sorted().toList();
    }
    Path table = tables.get(random.nextInt(tables.size()));
    try (RandomAccessFile content = new RandomAccessFile(table.toFile(), "rw")) {
      long at = random.nextLong(content.length() / 2);
      content.seek(at);
      int old = content.read();
      content.seek(at);
      content.write(old ^ (1 << random.nextInt(8)));
    }
    return table;
  }

  /** Point reads, one range, the past and the history agree with what was written. */
  private void assertHolds(Keyspace keyspace, String context) {
    int applied = Math.toIntExact(keyspace.applied().index());
    TreeMap<String, String> now = stateAt(applied);
    try (ReadView view = keyspace.view()) {
      assertEquals(now, rows(Requests.ok(view.range(Requests.all().build()))), context);
      for (int i = 0; i < KEYS; i++) {
        String key = "key-%04d".formatted(i);
        RangeResponse.Builder got = Requests.ok(view.range(Requests.get(key).build()));
        assertEquals(now.get(key), rows(got).get(key), context + ", " + key);
      }
      long revision = 1;
      int middle = applied / 2;
      TreeMap<String, String> state = new TreeMap<>();
      for (int i = 0; i < middle; i++) {
        revision += changes(state, changes.get(i)) ? 1 : 0;
      }
      if (revision > 1) {
        assertEquals(
            state,
            rows(Requests.ok(view.range(Requests.all().setRevision(revision).build()))),
            context + ", at " + revision);
      }
      long events = 0;
      for (long from = 1; from <= keyspace.currentRevision(); ) {
        History part = Requests.ok(view.history(from, 1000, Long.MAX_VALUE));
        events += part.revisions().size();
        from = part.nextRevision();
      }
      assertEquals(keyspace.currentRevision() - 1, events, context);
    }
  }

  private TreeMap<String, String> stateAt(int applied) {
    TreeMap<String, String> state = new TreeMap<>();
    changes.subList(0, applied).forEach(change -> changes(state, change));
    return state;
  }

  /** Whether it makes a revision. */
  private static boolean changes(Map<String, String> state, Change change) {
    if (change.value().isEmpty()) {
      return state.remove(change.key()) != null;
    }
    state.put(change.key(), change.value());
    return true;
  }

  private static Map<String, String> rows(RangeResponse.Builder range) {
    TreeMap<String, String> rows = new TreeMap<>();
    for (KeyValue row : range.getKvsList()) {
      rows.put(row.getKey().toStringUtf8(), row.getValue().toStringUtf8());
    }
    return rows;
  }
}
