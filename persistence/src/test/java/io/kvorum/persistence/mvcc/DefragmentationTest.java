package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.delete;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbOptions;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.protocol.GroupId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is given back, in files and in the account, and that nothing else changes. */
class DefragmentationTest {

  private static final int VALUE_BYTES = 20_000;

  @TempDir Path directory;

  private static String noise(Random random) {
    StringBuilder text = new StringBuilder();
    while (text.length() < VALUE_BYTES) {
      text.append(Long.toString(random.nextLong(), 36));
    }
    return text.toString();
  }

  private static long bytesIn(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files
          .filter(file -> file.toString().endsWith(".sst") || file.toString().endsWith(".ldb"))
          .mapToLong(file -> file.toFile().length())
          .sum();
    }
  }

  @Test
  void givesBackWhatWasRemoved() throws Exception {
    KeyspaceOptions options = TestKeyspace.OPTIONS.withReclaimBytes(Long.MAX_VALUE);
    Random random = new Random(1);
    try (TestKeyspace store = new TestKeyspace(directory, options)) {
      for (int i = 0; i < 600; i++) {
        store.put("k" + i % 20, noise(random));
      }
      long current = store.keyspace.currentRevision();
      store.compactFully(current);
      KeyspaceStats before = store.keyspace.stats();
      assertTrue(before.sizeBytes() > 10L * VALUE_BYTES * 20, before.toString());
      KeyValueHash hash = hash(store);
      store.keyspace.defragment();
      KeyspaceStats after = store.keyspace.stats();
      assertEquals(before.sizeInUseBytes(), after.sizeInUseBytes());
      assertEquals(after.sizeInUseBytes(), after.sizeBytes());
      assertEquals(hash, hash(store));
      assertEquals(current, store.keyspace.currentRevision());
      long bytes = bytesIn(directory);
      assertTrue(bytes < 5L * VALUE_BYTES * 20, bytes + " bytes of tables");

      // It stays forgotten, also after a restart, and counts again from here on.
      store.reopen();
      assertEquals(after.sizeBytes(), store.keyspace.stats().sizeBytes());
      store.put("more", noise(random));
      long grown = store.keyspace.stats().sizeBytes();
      assertTrue(grown >= after.sizeBytes() + VALUE_BYTES);
      store.delete(delete("more"));
      store.compactFully(store.keyspace.currentRevision());
      assertTrue(store.keyspace.stats().sizeBytes() >= grown);
      assertTrue(store.keyspace.stats().sizeInUseBytes() < grown);
    }
  }

  private static KeyValueHash hash(TestKeyspace store) {
    try (KeyspaceExport export = store.keyspace.export()) {
      return Requests.ok(export.hash(0));
    }
  }

  @Test
  void goesInPieces() throws Exception {
    Tables tables = new Tables(GroupId.DEFAULT);
    LevelDbOptions options =
        LevelDbOptions.defaults()
            .withWriteBufferBytes(64 << 10)
            .withCompression(false)
            .withMinFreeBytes(0);
    Random random = new Random(1);
    try (LevelDb db = LevelDb.open(directory, options, Recovery.KEEP_PREFIX)) {
      for (int i = 0; i < 100; i++) {
        try (LevelDb.Batch batch = db.batch()) {
          batch.put(
              tables.current(("/a/long/prefix/of/all/keys/" + i).getBytes(US_ASCII)),
              noise(random).getBytes(US_ASCII));
          db.write(batch, false);
        }
      }
      db.compactRange(tables.groupFrom(), tables.groupEnd());
      int pieces = Defragmentation.run(db, tables, 200_000);
      assertTrue(pieces >= 8 && pieces < 60, pieces + " pieces");
    }
  }

  @Test
  void halfway() {
    assertArrayEquals(
        new byte[] {(byte) 0x7f, (byte) 0x80},
        Defragmentation.between(new byte[0], new byte[] {(byte) 0xff}));
    assertArrayEquals(
        new byte[] {1, (byte) 0x80}, Defragmentation.between(new byte[] {1}, new byte[] {2}));
    assertArrayEquals(
        new byte[] {(byte) 0xff, 1},
        Defragmentation.between(new byte[] {(byte) 0xff, 0}, new byte[] {(byte) 0xff, 2}));
  }
}
