package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.protocol.LogPosition;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One LevelDB directory as a keyspace stands on it: its state, the background work on it, and a
 * count of those who use it. When a snapshot has taken its place it goes with its last reader, and
 * its directory too.
 */
final class Store {

  /**
   * What this code reads and writes. A directory of a newer format is refused; older ones are
   * brought up here, once there are any.
   */
  private static final int FORMAT = 1;

  static final String FORMAT_NAME = "format";

  /**
   * Holds the most bytes that records had taken when the store was last defragmented. As long as
   * they have not taken more since, that most does not count any more.
   */
  static final String DEFRAGMENTED_NAME = "defragmented";

  private static final Logger log = LoggerFactory.getLogger(Store.class);

  private final LevelDb db;
  private final Tables tables;
  private final Runnable dropView;
  private final Compactor compactor;
  private final RevisionChain chain;

  /** Those who read, and one for being the newest. At zero the directory goes. */
  private final AtomicInteger users = new AtomicInteger(1);

  /** At most two: one ends the background work, one removes the directory. */
  private final Queue<Thread> farewells = new ConcurrentLinkedQueue<>();

  /** Written by the keyspace's writer only. */
  private volatile StoreState state;

  /** The most bytes that records took since the last defragmentation, as far as is known. */
  private final AtomicLong peakRecordBytes;

  private Store(
      LevelDb db, Tables tables, Runnable dropView, Compactor compactor, StoreState state) {
    this.db = db;
    this.tables = tables;
    this.dropView = dropView;
    this.compactor = compactor;
    this.state = state;
    this.chain =
        new RevisionChain(
            ChainRow.head(db.get(tables.state(ChainRow.NAME)), state.applied(), state.revision()));
    byte[] forgotten = db.get(tables.state(DEFRAGMENTED_NAME));
    boolean counts =
        forgotten == null || state.peakRecordBytes() > KeyEncoding.getLong(forgotten, 0);
    this.peakRecordBytes = new AtomicLong(counts ? state.peakRecordBytes() : 0);
  }

  /**
   * Opens or creates it. A compaction that was not finished goes on after {@link #start}.
   *
   * @param dropView see {@link Compactor}
   */
  static Store open(Path directory, Tables tables, KeyspaceOptions options, Runnable dropView) {
    LevelDb db = LevelDb.open(directory, options.storage(), Recovery.KEEP_PREFIX);
    boolean opened = false;
    try {
      checkFormat(db, tables);
      byte[] stored = db.get(tables.state(StoreState.NAME));
      byte[] compaction = db.get(tables.state(CompactionState.NAME));
      StoreState state = stored == null ? StoreState.FRESH : StoreState.decode(stored);
      Compactor compactor =
          new Compactor(
              db,
              tables,
              options,
              compaction == null ? CompactionState.FRESH : CompactionState.decode(compaction),
              state.compactedRevision(),
              "kvorum-compaction-" + db.directory().getFileName(),
              dropView);
      Store store = new Store(db, tables, dropView, compactor, state);
      opened = true;
      return store;
    } catch (StorageException e) {
      throw db.named(e);
    } finally {
      if (!opened) {
        db.close();
      }
    }
  }

  private static void checkFormat(LevelDb db, Tables tables) {
    byte[] row = tables.state(FORMAT_NAME);
    byte[] stored = db.get(row);
    if (stored == null) {
      try (LevelDb.Batch batch = db.batch()) {
        batch.put(row, format());
        db.write(batch, false);
      }
      return;
    }
    requireFormat(stored, db.directory());
  }

  static byte[] format() {
    return Integer.toString(FORMAT).getBytes(StandardCharsets.US_ASCII);
  }

  static void requireFormat(byte[] stored, Path directory) {
    String text = new String(stored, StandardCharsets.US_ASCII);
    if (!text.equals(Integer.toString(FORMAT))) {
      throw new StorageException(
          StorageException.Reason.IO,
          "keyspace in "
              + directory
              + " has format "
              + text
              + ", and this version reads format "
              + FORMAT
              + " only: it was written by a newer version. Start that one, or restore a backup taken by this one");
    }
  }

  /** Lets the background work begin. */
  void start() {
    compactor.start();
  }

  LevelDb db() {
    return db;
  }

  Compactor compactor() {
    return compactor;
  }

  StoreState state() {
    return state;
  }

  RevisionChain chain() {
    return chain;
  }

  void state(StoreState next) {
    state = next;
    peakRecordBytes.accumulateAndGet(inUseBytes(), Math::max);
  }

  /** What the records take that are there. */
  long inUseBytes() {
    return Math.max(0, state.recordBytesAdded() - compactor.state().recordBytesRemoved());
  }

  /** What the store takes with what was removed since it was last defragmented. */
  long allocatedBytes() {
    return Math.max(peakRecordBytes.get(), inUseBytes());
  }

  /**
   * Gives space of removed records back; reads and writes go on meanwhile. One thread at a time.
   */
  void defragment() {
    dropView.run();
    Defragmentation.run(db, tables);
    byte[] forgotten = new byte[Long.BYTES];
    KeyEncoding.putLong(forgotten, 0, state.peakRecordBytes());
    try (LevelDb.Batch batch = db.batch()) {
      batch.put(tables.state(DEFRAGMENTED_NAME), forgotten);
      db.write(batch, false);
    }
    db.sync();
    peakRecordBytes.set(inUseBytes());
  }

  /** One more user; false if the store is gone, and then another is the newest. */
  boolean enter() {
    return users.getAndUpdate(n -> n == 0 ? 0 : n + 1) != 0;
  }

  void leave() {
    if (users.decrementAndGet() == 0) {
      background("kvorum-keyspace-remove-", this::remove);
    }
  }

  /** Whether nobody uses it any more. */
  boolean isGone() {
    return users.get() == 0;
  }

  /**
   * Another store has taken its place: its background work ends, and it goes when its last reader
   * has left. Does not wait for either.
   */
  void retire() {
    background(
        "kvorum-keyspace-retire-",
        () -> {
          compactor.close();
          leave();
        });
  }

  private void background(String name, Runnable work) {
    Thread thread =
        Thread.ofPlatform().daemon().name(name + db.directory().getFileName()).unstarted(work);
    farewells.add(thread);
    thread.start();
  }

  private void remove() {
    db.close();
    try {
      KeyspaceDirectory.delete(db.directory());
      log.info("removed {}, which an installed snapshot has replaced", db.directory());
    } catch (IOException e) {
      log.warn("{} could not be removed, the next start does: {}", db.directory(), e.toString());
    }
  }

  LogPosition applied() {
    return state.applied();
  }

  /** Ends everything at once; what readers still do with it throws. */
  void close() {
    compactor.close();
    db.close();
    boolean interrupted = false;
    for (Thread thread = farewells.peek(); thread != null; thread = farewells.peek()) {
      try {
        thread.join();
        farewells.remove();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
