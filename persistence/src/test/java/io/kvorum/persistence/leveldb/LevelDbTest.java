package io.kvorum.persistence.leveldb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What {@link LevelDb} promises, on both implementations. */
class LevelDbTest {

  @TempDir Path directory;

  @ParameterizedTest
  @EnumSource
  void readsWhatWasWrittenAlsoAfterReopening(Opening.Kind kind) {
    try (LevelDb db = open(kind)) {
      put(db, "a", "1");
      put(db, "b", "2");
      delete(db, "a");
      assertNull(db.get(bytes("a")));
      assertArrayEquals(bytes("2"), db.get(bytes("b")));
    }
    try (LevelDb db = open(kind)) {
      assertNull(db.get(bytes("a")));
      assertArrayEquals(bytes("2"), db.get(bytes("b")));
    }
  }

  @ParameterizedTest
  @EnumSource
  void batchIsWrittenAsOneAndCountsItself(Opening.Kind kind) {
    try (LevelDb db = open(kind);
        LevelDb.Batch batch = db.batch()) {
      batch.put(bytes("a"), bytes("123"));
      batch.put(bytes("b"), bytes("4"));
      batch.delete(bytes("a"));
      assertEquals(3, batch.size());
      assertEquals(7, batch.bytes());
      assertNull(db.get(bytes("b")));
      db.write(batch, true);
      assertNull(db.get(bytes("a")));
      assertArrayEquals(bytes("4"), db.get(bytes("b")));
    }
  }

  @ParameterizedTest
  @EnumSource
  void snapshotAndCursorKeepTheirMoment(Opening.Kind kind) {
    try (LevelDb db = open(kind)) {
      put(db, "a", "1");
      try (LevelDbSnapshot then = db.snapshot();
          Cursor early = db.cursor(null)) {
        put(db, "a", "2");
        put(db, "b", "2");
        assertArrayEquals(bytes("1"), db.get(bytes("a"), then));
        assertNull(db.get(bytes("b"), then));
        try (Cursor cursor = db.cursor(then, false)) {
          assertEquals(List.of("a=1"), rest(cursor, ""));
        }
        assertEquals(List.of("a=1"), rest(early, ""));
        try (Cursor now = db.cursor(null)) {
          assertEquals(List.of("a=2", "b=2"), rest(now, ""));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void cursorSeeksInUnsignedByteOrder(Opening.Kind kind) {
    try (LevelDb db = open(kind);
        LevelDb.Batch batch = db.batch()) {
      for (int b = 0; b < 256; b++) {
        batch.put(new byte[] {(byte) b}, new byte[] {(byte) b});
      }
      db.write(batch, false);
      try (Cursor cursor = db.cursor(null)) {
        cursor.seek(new byte[] {0x7e, 0x00});
        assertArrayEquals(new byte[] {0x7f}, cursor.key());
        cursor.next();
        assertArrayEquals(new byte[] {(byte) 0x80}, cursor.key());
        cursor.seek(new byte[] {(byte) 0xff, 0x01});
        assertFalse(cursor.valid());
        assertThrows(IllegalStateException.class, cursor::key);
        assertThrows(IllegalStateException.class, cursor::next);
        cursor.seekToFirst();
        assertArrayEquals(new byte[] {0}, cursor.value());
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void everythingAfterCloseThrowsAndNothingCrashes(Opening.Kind kind) {
    LevelDb db = open(kind);
    put(db, "a", "1");
    LevelDb.Batch batch = db.batch();
    batch.put(bytes("b"), bytes("1"));
    LevelDbSnapshot snapshot = db.snapshot();
    Cursor cursor = db.cursor(snapshot);
    cursor.seekToFirst();
    db.close();
    db.close();

    assertThrows(IllegalStateException.class, () -> db.get(bytes("a")));
    assertThrows(IllegalStateException.class, () -> db.get(bytes("a"), snapshot));
    assertThrows(IllegalStateException.class, () -> db.write(batch, false));
    assertThrows(IllegalStateException.class, db::batch);
    assertThrows(IllegalStateException.class, db::snapshot);
    assertThrows(IllegalStateException.class, () -> db.cursor(null));
    assertThrows(IllegalStateException.class, () -> db.cursor(snapshot));
    assertThrows(IllegalStateException.class, db::sync);
    assertThrows(IllegalStateException.class, () -> db.compactRange(bytes("a"), bytes("b")));
    assertThrows(IllegalStateException.class, () -> db.approximateSize(bytes("a"), bytes("b")));
    assertThrows(IllegalStateException.class, () -> db.property("leveldb.stats"));
    assertThrows(IllegalStateException.class, cursor::next);
    assertThrows(IllegalStateException.class, cursor::valid);
    assertThrows(IllegalStateException.class, cursor::value);
    cursor.close();
    snapshot.close();
    batch.close();
    assertThrows(IllegalStateException.class, () -> batch.put(bytes("b"), bytes("1")));
  }

  @ParameterizedTest
  @EnumSource
  void closedParts(Opening.Kind kind) {
    try (LevelDb db = open(kind)) {
      LevelDbSnapshot snapshot = db.snapshot();
      snapshot.close();
      snapshot.close();
      assertThrows(IllegalStateException.class, () -> db.get(bytes("a"), snapshot));
      Cursor cursor = db.cursor(null);
      cursor.close();
      cursor.close();
      assertThrows(IllegalStateException.class, cursor::seekToFirst);
      LevelDb.Batch batch = db.batch();
      batch.close();
      batch.close();
      assertThrows(IllegalStateException.class, () -> db.write(batch, false));
    }
  }

  @ParameterizedTest
  @EnumSource
  void partsOfAnotherDatabaseAreRefused(Opening.Kind kind) {
    try (LevelDb one = open(kind);
        LevelDb other =
            Opening.open(directory.resolve("other"), options(), Recovery.REFUSE_LOSS, kind);
        LevelDb.Batch batch = other.batch();
        LevelDbSnapshot snapshot = other.snapshot()) {
      assertThrows(IllegalArgumentException.class, () -> one.write(batch, false));
      assertThrows(IllegalArgumentException.class, () -> one.get(bytes("a"), snapshot));
      assertThrows(IllegalArgumentException.class, () -> one.cursor(snapshot));
    }
  }

  @ParameterizedTest
  @EnumSource
  void closesUnderReadersAndWriters(Opening.Kind kind) throws Exception {
    for (int round = 0; round < 5; round++) {
      LevelDb db = open(kind);
      put(db, "a", "1");
      LevelDbSnapshot shared = db.snapshot();
      CountDownLatch running = new CountDownLatch(4);
      List<CompletableFuture<Void>> users = new ArrayList<>();
      for (Runnable use : uses(db, shared)) {
        users.add(
            CompletableFuture.runAsync(
                () -> useUntilClosed(use, running), task -> Thread.ofPlatform().start(task)));
      }
      assertTrue(running.await(30, TimeUnit.SECONDS));
      db.close();
      for (CompletableFuture<Void> user : users) {
        user.get(30, TimeUnit.SECONDS);
      }
    }
  }

  private static List<Runnable> uses(LevelDb db, LevelDbSnapshot shared) {
    return List.of(
        () -> db.get(bytes("a")),
        () -> put(db, "b", "2"),
        () -> {
          try (Cursor cursor = db.cursor(shared)) {
            rest(cursor, "");
          }
        },
        () -> {
          try (LevelDbSnapshot own = db.snapshot()) {
            db.get(bytes("a"), own);
          }
        });
  }

  private static void useUntilClosed(Runnable use, CountDownLatch running) {
    boolean first = true;
    while (true) {
      try {
        use.run();
      } catch (IllegalStateException closed) {
        return;
      }
      if (first) {
        running.countDown();
        first = false;
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void syncCompactAndSize(Opening.Kind kind) {
    try (LevelDb db = open(kind)) {
      byte[] big = new byte[1000];
      for (int i = 0; i < 100; i++) {
        try (LevelDb.Batch batch = db.batch()) {
          batch.put(bytes("key" + i), big);
          db.write(batch, false);
        }
      }
      db.sync();
      db.compactRange(bytes("key"), bytes("kez"));
      if (kind == Opening.Kind.NATIVE) {
        assertTrue(db.approximateSize(bytes("key"), bytes("kez")) > 0);
      }
      assertArrayEquals(big, db.get(bytes("key42")));
    }
  }

  private LevelDb open(Opening.Kind kind) {
    return Opening.open(directory.resolve("db"), options(), Recovery.REFUSE_LOSS, kind);
  }

  static LevelDbOptions options() {
    return LevelDbOptions.defaults();
  }

  static void put(LevelDb db, String key, String value) {
    try (LevelDb.Batch batch = db.batch()) {
      batch.put(bytes(key), bytes(value));
      db.write(batch, true);
    }
  }

  private static void delete(LevelDb db, String key) {
    try (LevelDb.Batch batch = db.batch()) {
      batch.delete(bytes(key));
      db.write(batch, true);
    }
  }

  private static List<String> rest(Cursor cursor, String from) {
    List<String> entries = new ArrayList<>();
    for (cursor.seek(bytes(from)); cursor.valid(); cursor.next()) {
      entries.add(new String(cursor.key(), UTF_8) + "=" + new String(cursor.value(), UTF_8));
    }
    return entries;
  }

  static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }
}
