package io.kvorum.persistence.leveldb;

import java.util.function.IntSupplier;
import java.util.function.LongSupplier;

/**
 * How single rows are read: by a get or by a cursor.
 *
 * <p>A get costs the same wherever the key stands. But LevelDB charges one that looks into more
 * than one table to the first of them, and compacts a table that was charged a hundred times: where
 * there are many tables, at nearly each get. A cursor is charged once for a MiB that it has read.
 * But it goes over whatever was deleted behind the key, until LevelDB has compacted that away,
 * which may be a hundred thousand rows. So gets are for stores of few tables, and for a while where
 * a cursor was slow.
 *
 * <p>Of many tables too one row in a while is read by a get: what is read much is brought into
 * order by that, at a pace which leaves the processors to others, and is then found in one table
 * instead of five.
 *
 * <p>Any thread; what they count may lag.
 */
final class PointReads {
  /** From so many on gets cause more compaction than they are worth. */
  static final int MANY_TABLES = 128;

  /** After so many reads the tables are counted anew. */
  static final int COUNT_EVERY = 4096;

  /** A cursor that takes longer has gone over many deleted rows, or waited for the disk. */
  static final long SLOW_NANOS = 1_000_000;

  /** So many gets follow a slow cursor. */
  static final int GETS_AFTER_SLOW = 1000;

  /** A hundred gets cause a compaction of some 25 MiB: about one each second. */
  static final long GET_EVERY_NANOS = 10_000_000;

  private final IntSupplier tables;
  private final LongSupplier clock;
  private volatile boolean many;
  private volatile int gets;
  private volatile int reads;
  private volatile long lastGet;

  /**
   * @param tables how many there are now; need not be quick
   * @param clock nanoseconds
   */
  PointReads(IntSupplier tables, LongSupplier clock) {
    this.tables = tables;
    this.clock = clock;
    this.lastGet = clock.getAsLong();
    this.many = tables.getAsInt() >= MANY_TABLES;
  }

  /** Whether the next one is to be read by a cursor. */
  @SuppressWarnings("NonAtomicVolatileUpdate")
  boolean byCursor() {
    int read = reads + 1;
    reads = read;
    if (read % COUNT_EVERY == 0) {
      many = tables.getAsInt() >= MANY_TABLES;
    }
    if (!many) {
      return false;
    }
    int left = gets;
    if (left > 0) {
      gets = left - 1;
      return false;
    }
    long now = clock.getAsLong();
    if (now - lastGet >= GET_EVERY_NANOS) {
      lastGet = now;
      return false;
    }
    return true;
  }

  /** What a cursor took. */
  void took(long nanos) {
    if (nanos >= SLOW_NANOS) {
      gets = GETS_AFTER_SLOW;
    }
  }
}
