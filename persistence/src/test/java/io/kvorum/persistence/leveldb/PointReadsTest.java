package io.kvorum.persistence.leveldb;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reads of single rows, by gets and by cursors. */
class PointReadsTest {
  private final AtomicInteger tables = new AtomicInteger();
  private final AtomicLong clock = new AtomicLong();

  @Test
  void aStoreOfFewTablesIsReadByGets() {
    tables.set(PointReads.MANY_TABLES - 1);
    var reads = new PointReads(tables::get, clock::get);
    for (int i = 0; i < 2 * PointReads.COUNT_EVERY; i++) {
      assertFalse(reads.byCursor());
    }
  }

  @Test
  void aStoreThatHasGrownIsReadByCursors() {
    var reads = new PointReads(tables::get, clock::get);
    tables.set(PointReads.MANY_TABLES);
    int gets = 0;
    while (!reads.byCursor()) {
      gets++;
    }
    assertEquals(PointReads.COUNT_EVERY - 1, gets);
    tables.set(0);
    int cursors = 1;
    while (reads.byCursor()) {
      cursors++;
    }
    assertEquals(PointReads.COUNT_EVERY, cursors);
  }

  @Test
  void getsFollowACursorThatWasSlow() {
    tables.set(PointReads.MANY_TABLES);
    var reads = new PointReads(tables::get, clock::get);
    assertTrue(reads.byCursor());
    reads.took(PointReads.SLOW_NANOS - 1);
    assertTrue(reads.byCursor());
    reads.took(PointReads.SLOW_NANOS);
    int gets = 0;
    while (!reads.byCursor()) {
      gets++;
    }
    assertEquals(PointReads.GETS_AFTER_SLOW, gets);
  }

  @Test
  void oneRowInAWhileIsReadByAGet() {
    tables.set(PointReads.MANY_TABLES);
    var reads = new PointReads(tables::get, clock::get);
    int gets = 0;
    for (int i = 0; i < 10_000; i++) {
      clock.addAndGet(PointReads.GET_EVERY_NANOS / 1000);
      if (!reads.byCursor()) {
        gets++;
      }
    }
    assertEquals(10, gets);
  }

  /** Counting the tables must not reach a database that is gone: native code would crash. */
  @Test
  void aClosedDatabaseIsNotAskedForItsTables(@TempDir Path directory) {
    var db = LevelDb.open(directory, LevelDbOptions.defaults());
    db.close();
    for (int i = 0; i < 2 * PointReads.COUNT_EVERY; i++) {
      assertThrows(IllegalStateException.class, () -> db.get(key(1)));
      try {
        var unused = db.readsRowsByCursor();
      } catch (IllegalStateException closed) {
        // When the tables are counted.
      }
    }
  }

  /** What was deleted behind a key costs its reader nothing, and snapshots keep what they had. */
  @Test
  void aKeyBeforeManyDeletedOnesIsReadLikeAnyOther(@TempDir Path directory) {
    int deleted = 100_000;
    try (var db = LevelDb.open(directory, LevelDbOptions.defaults())) {
      for (int step = 0; step < 2; step++) {
        try (var batch = db.batch()) {
          for (int i = 0; i < deleted; i++) {
            if (step == 0) {
              batch.put(key(i), new byte[1]);
            } else {
              batch.delete(key(i));
            }
          }
          db.write(batch, false);
        }
        if (step == 0) {
          try (var before = db.snapshot();
              var batch = db.batch()) {
            batch.delete(key(0));
            db.write(batch, false);
            assertArrayEquals(new byte[1], db.get(key(0), before));
            assertNull(db.get(key(0)));
          }
        }
      }
      try (var now = db.snapshot()) {
        long begun = System.nanoTime();
        int reads = 1000;
        for (int i = 0; i < reads; i++) {
          assertNull(db.get(key(i), now));
        }
        long each = (System.nanoTime() - begun) / reads;
        // A cursor takes ten milliseconds for each.
        assertTrue(each < 1_000_000, each + " ns for each");
      }
    }
  }

  private static byte[] key(int number) {
    return ByteBuffer.allocate(Integer.BYTES).putInt(number).array();
  }
}
