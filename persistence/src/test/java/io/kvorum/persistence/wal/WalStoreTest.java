package io.kvorum.persistence.wal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbOptions;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.wal.WalFormat.Event;
import io.kvorum.persistence.wal.WalStore.Numbered;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WalStoreTest {

  private static final String WRITER = "writer";

  @TempDir Path directory;

  @Test
  void damagedEventEndsTheReplayThere() {
    withEvents(1, 10);
    change(
        raw -> {
          byte[] key = WalFormat.key(WalFormat.EVENTS, 1, 4);
          byte[] value = requireNonNull(raw.get(key));
          value[value.length - 1] ^= 1;
          put(raw, key, value);
        });
    assertStops(3, "event 4 is damaged: checksum mismatch");
  }

  @Test
  void missingEventEndsTheReplayThere() {
    withEvents(1, 10);
    change(raw -> delete(raw, WalFormat.key(WalFormat.EVENTS, 1, 4)));
    assertStops(3, "event 4 is missing, the next one there is 5");
  }

  @Test
  void eventInAnothersPlaceIsNoticed() {
    withEvents(1, 10);
    change(
        raw ->
            put(
                raw,
                WalFormat.key(WalFormat.EVENTS, 1, 4),
                requireNonNull(raw.get(WalFormat.key(WalFormat.EVENTS, 1, 5)))));
    assertStops(3, "event 4 is damaged: checksum mismatch");
  }

  @Test
  void eventOfALaterVersionIsRefused() {
    withEvents(1, 10);
    change(
        raw -> {
          byte[] key = WalFormat.key(WalFormat.EVENTS, 1, 1);
          byte[] value = requireNonNull(raw.get(key));
          value[0] = 9;
          put(raw, key, value);
        });
    assertStops(0, "its version is 9 where this program knows 1");
  }

  @Test
  void databaseOfALaterFormatIsRefused() {
    withEvents(1, 1);
    change(raw -> put(raw, WalFormat.FORMAT_KEY, new byte[] {7}));
    StorageException refused = assertThrows(StorageException.class, this::open);
    assertTrue(String.valueOf(refused.getMessage()).contains("has format 7"), refused.getMessage());
  }

  private void assertStops(int before, String why) {
    try (WalStore store = open()) {
      List<Long> read = new ArrayList<>();
      WalLog log = store.log("p");
      try (WalReplay replay = store.replay(log, 1, Long.MAX_VALUE, Long.MAX_VALUE)) {
        StorageException damaged =
            assertThrows(
                StorageException.class,
                () -> replay.run((sequence, writer, event) -> read.add(sequence)));
        assertEquals(StorageException.Reason.CORRUPT, damaged.reason());
        for (String part :
            List.of(why, "the log of p", directory.toString(), "join again", "backup")) {
          assertTrue(String.valueOf(damaged.getMessage()).contains(part), damaged.getMessage());
        }
      }
      assertEquals(before, read.size());
    }
  }

  @Test
  void highestNumberIsFoundAtAnySize() {
    Random random = new Random(4711);
    long highest = 0;
    for (int round = 0; round < 30; round++) {
      try (WalStore store = open()) {
        WalLog log = store.log("p");
        assertEquals(highest, log.highest);
        int count = 1 + random.nextInt(200);
        append(store, log, highest + 1, count);
        highest += count;
        if (random.nextBoolean()) {
          store.delete(log, highest - random.nextInt(100));
        }
        store.commit();
      }
    }
  }

  @Test
  void deletedEventsLeaveInPortionsAndTheRestAfterARestart() {
    withEvents(1, 5_000);
    try (WalStore store = open()) {
      WalLog log = store.log("p");
      store.delete(log, 4_990);
      store.commit();
      assertEquals(List.of(4_991L, 5_000L), ends(read(store, 1)));
      assertTrue(store.hasWork());
    }
    change(raw -> assertTrue(countEvents(raw) > 10));
    try (WalStore store = open()) {
      assertFalse(store.hasWork());
      WalLog log = store.log("p");
      assertEquals(5_000, log.highest);
      while (store.hasWork()) {
        store.commit();
      }
      assertEquals(List.of(4_991L, 5_000L), ends(read(store, 1)));
    }
    change(raw -> assertEquals(10, countEvents(raw)));
  }

  @Test
  void deletionKeepsOnlyTheWritersItNeeds() {
    try (WalStore store = open()) {
      WalLog log = store.log("p");
      for (int i = 1; i <= 10; i++) {
        store.append(log, "writer-" + i, List.of(event(i)));
      }
      store.delete(log, 7);
      store.commit();
    }
    try (WalStore store = open()) {
      assertEquals(List.of(8L, 9L, 10L), List.copyOf(store.log("p").writers.keySet()));
      store.delete(store.log("p"), 10);
      store.commit();
      assertEquals(List.of(10L), List.copyOf(store.log("p").writers.keySet()));
    }
  }

  @Test
  void replayReadsItsMomentWhileEventsAreDeleted() {
    withEvents(1, 100);
    try (WalStore store = open()) {
      WalLog log = store.log("p");
      try (WalReplay replay = store.replay(log, 1, Long.MAX_VALUE, Long.MAX_VALUE)) {
        store.delete(log, 90);
        while (store.hasWork()) {
          store.commit();
        }
        List<Long> read = new ArrayList<>();
        replay.run((sequence, writer, event) -> read.add(sequence));
        assertEquals(100, read.size());
      }
    }
  }

  @Test
  void truncationGivesSpaceBack() {
    byte[] noise = new byte[10_000];
    new Random(1).nextBytes(noise);
    try (WalStore store =
        WalStore.open(WalSettings.in(directory).withCompactAfterBytes(1 << 20), WalMetrics.NONE)) {
      WalLog log = store.log("p");
      for (int i = 1; i <= 2_000; i++) {
        store.append(log, WRITER, List.of(new Numbered(i, Event.raw(noise))));
        if (i % 100 == 0) {
          store.commit();
        }
      }
      store.delete(log, 2_000);
      while (store.hasWork()) {
        store.commit();
      }
      long deadline = System.nanoTime() + 30_000_000_000L;
      while (tableBytes() > 3 << 20) {
        assertTrue(System.nanoTime() < deadline, () -> tableBytes() + " bytes are still there");
        Thread.onSpinWait();
      }
    }
  }

  private long tableBytes() {
    File[] tables = directory.toFile().listFiles((dir, name) -> name.endsWith(".sst"));
    return tables == null ? 0 : Arrays.stream(tables).mapToLong(File::length).sum();
  }

  @Test
  void batchSaysWhenItIsFull() {
    WalSettings three =
        new WalSettings(directory, LevelDbOptions.defaults(), false, 3, 1 << 20, 1 << 20);
    try (WalStore store = WalStore.open(three, WalMetrics.NONE)) {
      WalLog log = store.log("p");
      append(store, log, 1, 2);
      assertFalse(store.batchIsFull());
      append(store, log, 3, 1);
      assertTrue(store.batchIsFull());
      store.commit();
      assertFalse(store.batchIsFull());
      store.append(log, WRITER, List.of(new Numbered(4, Event.raw(new byte[2 << 20]))));
      assertTrue(store.batchIsFull());
    }
  }

  @Test
  void appendThatDoesNotFollowChangesNothing() {
    try (WalStore store = open()) {
      WalLog log = store.log("p");
      append(store, log, 1, 3);
      store.commit();
      assertThrows(IllegalStateException.class, () -> append(store, log, 3, 2));
      assertThrows(IllegalStateException.class, () -> append(store, log, 5, 2));
      assertThrows(
          IllegalStateException.class,
          () -> store.append(log, WRITER, List.of(event(4), event(6))));
      assertFalse(store.hasWork());
      assertEquals(3, log.highest);
    }
  }

  @Test
  void eventsKeepAllTheirFields() throws Exception {
    Event full =
        new Event(
            false,
            false,
            -77,
            "manifest ü",
            "adapter",
            123_456_789_012L,
            new WalFormat.Serialized(5, "m", new byte[] {9}),
            new byte[] {1, 2});
    byte[] key = WalFormat.key(WalFormat.EVENTS, 3, 4);
    Event read = WalFormat.decode(key, WalFormat.encode(key, full));
    assertEquals(-77, read.serializerId());
    assertEquals("manifest ü", read.manifest());
    assertEquals("adapter", read.adapterManifest());
    assertEquals(123_456_789_012L, read.timestamp());
    assertArrayEquals(new byte[] {1, 2}, read.payload());
    WalFormat.Serialized metadata = requireNonNull(read.metadata());
    assertEquals(5, metadata.serializerId());
    assertEquals("m", metadata.manifest());
    assertArrayEquals(new byte[] {9}, metadata.bytes());
    // A raw event costs no more than version, flags and checksum.
    assertEquals(6 + 100, WalFormat.encode(key, Event.raw(new byte[100])).length);
  }

  private WalStore open() {
    return WalStore.open(WalSettings.in(directory), WalMetrics.NONE);
  }

  private void withEvents(long from, int count) {
    try (WalStore store = open()) {
      append(store, store.log("p"), from, count);
      store.commit();
    }
  }

  private static void append(WalStore store, WalLog log, long from, int count) {
    store.append(
        log, WRITER, LongStream.range(from, from + count).mapToObj(WalStoreTest::event).toList());
  }

  private static Numbered event(long sequence) {
    return new Numbered(sequence, Event.raw(("event " + sequence).getBytes(UTF_8)));
  }

  private static List<Long> read(WalStore store, long from) {
    List<Long> read = new ArrayList<>();
    try (WalReplay replay = store.replay(store.log("p"), from, Long.MAX_VALUE, Long.MAX_VALUE)) {
      replay.run((sequence, writer, event) -> read.add(sequence));
    }
    return read;
  }

  private static List<Long> ends(List<Long> all) {
    return List.of(all.getFirst(), all.getLast());
  }

  private void change(Consumer<LevelDb> change) {
    try (LevelDb raw = LevelDb.open(directory, LevelDbOptions.defaults())) {
      change.accept(raw);
    }
  }

  private static void put(LevelDb raw, byte[] key, byte[] value) {
    try (LevelDb.Batch batch = raw.batch()) {
      batch.put(key, value);
      raw.write(batch, true);
    }
  }

  private static void delete(LevelDb raw, byte[] key) {
    try (LevelDb.Batch batch = raw.batch()) {
      batch.delete(key);
      raw.write(batch, true);
    }
  }

  private static int countEvents(LevelDb raw) {
    int count = 0;
    try (Cursor cursor = raw.cursor(null)) {
      for (cursor.seek(new byte[] {WalFormat.EVENTS}); cursor.valid(); cursor.next()) {
        count++;
      }
    }
    return count;
  }
}
