package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.delete;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** HashKV: what is in it, and that neither removals nor restarts show. */
class HashTest {

  private static final int RANDOM_STEPS = 600;

  @TempDir Path directory;
  private TestKeyspace store;
  private final ReferenceHashes reference = new ReferenceHashes();
  private int seenEvents;

  @BeforeEach
  void open() {
    store = new TestKeyspace(directory);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private Outcome<KeyValueHash> tryHash(long revision) {
    try (KeyspaceExport export = store.keyspace.export()) {
      return export.hash(revision);
    }
  }

  private KeyValueHash hash(long revision) {
    return Requests.ok(tryHash(revision));
  }

  private void learn() {
    reference.add(store.events.subList(seenEvents, store.events.size()));
    seenEvents = store.events.size();
  }

  private static int crc(byte[]... parts) {
    CRC32C crc = new CRC32C();
    for (byte[] part : parts) {
      crc.update(part);
    }
    return (int) crc.getValue();
  }

  @Test
  void emptyStore() {
    int nothing = crc("key".getBytes(StandardCharsets.US_ASCII));
    assertEquals(new KeyValueHash(nothing, 1, -1), hash(0));
    assertEquals(new KeyValueHash(nothing, 1, -1), hash(1));
    assertEquals(new KeyValueHash(nothing, -5, -1), hash(-5));
    assertEquals(EtcdError.FUTURE_REV, Requests.refusal(tryHash(2)));
  }

  @Test
  void bytesOfOneRecord() {
    store.put("a", "1");
    byte[] stored = {0, 0, 0, 0, 0, 0, 0, 2, '_', 0, 0, 0, 0, 0, 0, 0, 0};
    byte[] record = {10, 1, 'a', 16, 2, 24, 2, 32, 1, 42, 1, '1'};
    int expected = crc("key".getBytes(StandardCharsets.US_ASCII), stored, record);
    assertEquals(new KeyValueHash(expected, 2, -1), hash(0));
  }

  @Test
  void refusalsAroundACompaction() throws Exception {
    for (int i = 0; i < 5; i++) {
      store.put("a", "v" + i);
    }
    store.compactFully(3);
    store.compactFully(5);
    store.reopen();
    assertEquals(EtcdError.COMPACTED, Requests.refusal(tryHash(4)));
    assertEquals(5, hash(5).compactedRevision());
    assertEquals(6, hash(0).revision());
    assertEquals(EtcdError.FUTURE_REV, Requests.refusal(tryHash(7)));
  }

  /** Also of one that is compacted by now; a restart forgets it. */
  @Test
  void compactionIsRemembered() throws Exception {
    for (int i = 0; i < 5; i++) {
      store.put("a", "v" + i);
    }
    KeyValueHash before = hash(4);
    store.compactFully(4);
    assertEquals(before, hash(4));
    store.compactFully(6);
    assertEquals(before, hash(4));
    assertEquals(4, hash(6).compactedRevision());
    store.reopen();
    assertEquals(EtcdError.COMPACTED, Requests.refusal(tryHash(4)));
    assertEquals(6, hash(6).compactedRevision());
    assertNotEquals(before, hash(6));
  }

  @Test
  void tenAreRemembered() throws Exception {
    for (int i = 0; i < 13; i++) {
      store.put("a", "v" + i);
    }
    for (int revision = 2; revision <= 12; revision++) {
      store.compactFully(revision);
    }
    assertEquals(EtcdError.COMPACTED, Requests.refusal(tryHash(2)));
    assertEquals(new KeyValueHash(hash(3).crc32c(), 3, 2), hash(3));
  }

  /** Nothing lives at the revision: what lived at the compaction is in the hash then. */
  @Test
  void nothingLives() throws Exception {
    store.put("a", "1");
    store.put("b", "1");
    store.put("b", "2");
    learn();
    store.compactFully(3);
    reference.compact(3);
    store.delete(delete("a"));
    store.delete(delete("b"));
    learn();
    for (long revision = 4; revision <= 6; revision++) {
      assertEquals(reference.hash(revision), hash(revision));
    }
    store.put("c", "1");
    learn();
    assertEquals(reference.hash(7), hash(7));
  }

  /** What is to be removed is not hashed, so it does not matter whether it is there. */
  @Test
  void removalsDoNotShow() throws Exception {
    store.close();
    store = new TestKeyspace(directory, TestKeyspace.OPTIONS.withCompaction(1, Duration.ofDays(1)));
    for (int i = 0; i < 20; i++) {
      store.put("k" + i % 3, "v" + i);
      if (i % 5 == 0) {
        store.delete(delete("k" + i % 2));
      }
    }
    learn();
    store.compact(15);
    KeyValueHash early = hash(20);
    reference.compact(15);
    assertEquals(reference.hash(20), early);
    assertEquals(reference.hash(15), hash(15));
    store.close();
    store = new TestKeyspace(directory);
    store.awaitCompaction();
    assertEquals(early, hash(20));
  }

  @Test
  void randomHistories() throws Exception {
    for (long seed = 1; seed <= 8; seed++) {
      try {
        randomHistory(seed);
      } catch (AssertionError e) {
        throw new AssertionError("seed " + seed + ", replay: randomHistory(" + seed + ")", e);
      }
    }
  }

  private void randomHistory(long seed) throws Exception {
    store.close();
    store = new TestKeyspace(directory.resolve("seed" + seed));
    ReferenceHashes model = new ReferenceHashes();
    Map<Long, KeyValueHash> remembered = new HashMap<>();
    Random random = new Random(seed);
    RandomRequests requests = new RandomRequests(random);
    for (int step = 0; step < RANDOM_STEPS; step++) {
      long current = store.keyspace.currentRevision();
      switch (random.nextInt(12)) {
        case 0, 1, 2 -> store.apply(batch -> batch.put(store.next(), requests.put()));
        case 3, 4 -> store.apply(batch -> batch.deleteRange(store.next(), requests.delete()));
        case 5, 6, 7 -> store.apply(batch -> batch.txn(store.next(), requests.txn(current)));
        case 8 -> {
          if (random.nextInt(5) == 0) {
            long at = Math.max(0, current - random.nextInt(12));
            if (at > store.keyspace.compactedRevision()) {
              store.compactFully(at);
              remembered.put(at, model.compact(at));
              remembered
                  .keySet()
                  .removeIf(
                      r ->
                          remembered.keySet().stream().filter(o -> o > r).count()
                              >= CompactionHashes.MAX_HASHES);
            }
          } else if (random.nextInt(20) == 0) {
            store.reopen();
            remembered.clear();
          }
        }
        default -> {
          long compacted = store.keyspace.compactedRevision();
          long at = random.nextLong(Math.max(1, compacted - 5), current + 1);
          KeyValueHash known = remembered.get(at);
          if (known != null) {
            assertEquals(known, hash(at));
          } else if (at < compacted) {
            assertEquals(EtcdError.COMPACTED, Requests.refusal(tryHash(at)));
          } else {
            assertEquals(model.hash(at), hash(at), "at " + at + ", compacted " + compacted);
          }
        }
      }
      model.add(store.events);
      store.events.clear();
    }
  }

  @Test
  void hashOfEverything() {
    store.put("a", "1");
    int before;
    try (KeyspaceExport export = store.keyspace.export()) {
      before = export.hashOfAllRows();
    }
    store.reopen();
    KeyspaceExport same = store.keyspace.export();
    assertEquals(before, same.hashOfAllRows());
    same.close();
    assertThrows(IllegalStateException.class, same::hashOfAllRows);
    store.put("a", "2");
    try (KeyspaceExport export = store.keyspace.export()) {
      assertNotEquals(before, export.hashOfAllRows());
    }
  }
}
