package io.kvorum.persistence.wal;

import static io.kvorum.persistence.wal.WalFormat.EVENTS;

import io.kvorum.persistence.leveldb.LevelDb;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives the space of deleted events back, on a thread of its own. A deletion leaves only marks,
 * which LevelDB merges with what they delete when it happens to rewrite both; a log that is
 * truncated as it grows would hold its past for long.
 */
final class WalCompaction implements AutoCloseable {

  /** Logs that wait. Beyond, a log is passed over; its next truncation considers it again. */
  private static final int MAX_WAITING = 64;

  /** Compacted in one go; the database cannot be closed meanwhile. */
  private static final long EVENTS_PER_STEP = 100_000;

  /** Between two attempts to have tables removed on a full disk. */
  private static final Duration REMOVAL_INTERVAL = Duration.ofMillis(500);

  private static final Logger log = LoggerFactory.getLogger(WalCompaction.class);

  private final LevelDb db;
  private final long afterBytes;
  private final ThreadPoolExecutor thread;
  private long tablesRemovedNanos = System.nanoTime() - REMOVAL_INTERVAL.toNanos();
  private volatile boolean closed;

  WalCompaction(LevelDb db, long afterBytes) {
    this.db = db;
    this.afterBytes = afterBytes;
    this.thread =
        new ThreadPoolExecutor(
            0,
            1,
            1,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MAX_WAITING),
            Thread.ofPlatform().name("kvorum-wal-compaction").daemon().factory(),
            new ThreadPoolExecutor.DiscardPolicy());
  }

  /**
   * Compacts the log's events up to {@code deletedTo} if they take enough space. Returns at once.
   */
  void consider(int number, long deletedTo) {
    thread.execute(() -> compact(number, deletedTo));
  }

  /**
   * The same when events are refused because the disk is full. LevelDB removes a table that nobody
   * needs any more when it has written another one, and not when the last reader of it is gone: as
   * there is nothing to write now, a table of almost nothing is written.
   */
  void considerNow(int number, long deletedTo) {
    thread.execute(
        () -> {
          compact(number, deletedTo);
          long now = System.nanoTime();
          if (!closed && now - tablesRemovedNanos > REMOVAL_INTERVAL.toNanos()) {
            tablesRemovedNanos = now;
            byte[] key = WalFormat.key(EVENTS, number, 0);
            attempt(() -> db.compactRange(key, key));
          }
        });
  }

  private void compact(int number, long deletedTo) {
    attempt(() -> compactTables(number, deletedTo));
  }

  private void attempt(Runnable work) {
    try {
      work.run();
    } catch (RuntimeException e) {
      if (!closed) {
        log.warn(
            "cannot compact deleted events; their space stays taken until the next truncation", e);
      }
    }
  }

  private void compactTables(int number, long deletedTo) {
    byte[] start = WalFormat.key(EVENTS, number, 0);
    byte[] end = WalFormat.key(EVENTS, number, deletedTo + 1);
    // What is compacted already takes no space.
    long bytes = db.approximateSize(start, end);
    if (bytes < afterBytes) {
      return;
    }
    for (long from = 0; from <= deletedTo && !closed; from += EVENTS_PER_STEP) {
      byte[] low = WalFormat.key(EVENTS, number, from);
      byte[] high = WalFormat.key(EVENTS, number, Math.min(deletedTo + 1, from + EVENTS_PER_STEP));
      if (db.approximateSize(low, high) > 0) {
        db.compactRange(low, high);
      }
    }
    log.debug("compacted deleted events, {} MiB", bytes >> 20);
  }

  @Override
  public void close() {
    closed = true;
    thread.shutdownNow();
  }
}
