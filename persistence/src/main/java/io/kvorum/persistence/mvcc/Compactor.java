package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The physical half of compactions, on a thread of its own. After a compaction at R there are left:
 * of each key the newest version not above R if the key is live at R, everything above R, and
 * tombstones exactly at R, because a watch from R must still get them (etcd: keyIndex.compact, and
 * the test for tombstones added in 3.6).
 *
 * <p>etcd walks everything up to R. Here only what was written since the compaction before is
 * walked, in the order of revisions: each version removes the one that it replaced, and a tombstone
 * below R also itself. What an earlier compaction at C left is either the newest version of its
 * key, or a tombstone at C; so the walk begins at C itself. A version is replaced by exactly one
 * other, so nothing is removed or counted twice; and because each batch of removals is atomic and
 * they are in order, a walk that was interrupted may begin again.
 *
 * <p>Never two compactions at once: those asked for in the meantime are done as one, at the newest
 * of their revisions, by a walk of its own, as a tombstone at the older revision may be passed
 * already.
 */
final class Compactor implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Compactor.class);

  /**
   * So many revisions are removed by one write, about a millisecond's work: whoever applies writes
   * meanwhile waits for no more than that.
   */
  private static final int STEP_REVISIONS = 100;

  /** About what LevelDB is told to rewrite at a time; flushes get their turn between. */
  private static final long PIECE_BYTES = 32L << 20;

  private final LevelDb db;
  private final Tables tables;
  private final CompactionPace pace;
  private final long reclaimBytes;
  private final Runnable dropView;
  private final Thread thread;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final List<CompletableFuture<Void>> waiting = new ArrayList<>();
  private long scheduledRevision;

  /** Whether the one before was finished when it was asked for: else its walk misses records. */
  private boolean hashing;

  /** Up to which all is done: removals, and the hash too. */
  private long doneRevision;

  private boolean failed;
  private boolean closed;

  private volatile CompactionState state;
  private long removedBytesReclaimed;
  private final KeySample removedSample = new KeySample();
  private final CompactionHashes hashes = new CompactionHashes();

  /** A compaction to be done, and whether its hash is worth to be remembered. */
  private record Target(long revision, boolean hashing) {}

  /**
   * @param scheduledRevision the newest compaction asked for; if it is not finished it begins anew
   * @param dropView lets go of the keyspace's own view, which would keep LevelDB from dropping what
   *     was removed
   */
  Compactor(
      LevelDb db,
      Tables tables,
      KeyspaceOptions options,
      CompactionState state,
      long scheduledRevision,
      String name,
      Runnable dropView) {
    this.db = db;
    this.tables = tables;
    this.pace = new CompactionPace(options.compactionBatchRevisions(), options.compactionPause());
    this.reclaimBytes = options.reclaimBytes();
    this.dropView = dropView;
    this.state = state;
    this.scheduledRevision = scheduledRevision;
    this.doneRevision = state.finishedRevision();
    this.removedBytesReclaimed = state.recordBytesRemoved();
    this.thread = Thread.ofPlatform().name(name).daemon().unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  CompactionState state() {
    return state;
  }

  /** Of the compactions since the keyspace was opened. */
  CompactionHashes hashes() {
    return hashes;
  }

  void schedule(long revision) {
    lock.lock();
    try {
      hashing = scheduledRevision == state.finishedRevision();
      scheduledRevision = revision;
      failed = false;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Completes when nothing that was asked for before is unfinished; exceptionally if the disk fails
   * or the keyspace closes.
   */
  CompletionStage<Void> idle() {
    lock.lock();
    try {
      if (closed) {
        return CompletableFuture.failedFuture(closedMeanwhile());
      }
      if (scheduledRevision <= doneRevision) {
        return CompletableFuture.completedFuture(null);
      }
      CompletableFuture<Void> idle = new CompletableFuture<>();
      waiting.add(idle);
      return idle;
    } finally {
      lock.unlock();
    }
  }

  /** Waits for the batch at hand. What is left is done after the next opening. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    complete(closedMeanwhile());
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static IllegalStateException closedMeanwhile() {
    return new IllegalStateException(
        "the keyspace was closed before its compaction was finished; it goes on when reopened");
  }

  private void run() {
    for (Target target = nextTarget(); target != null; target = nextTarget()) {
      try {
        if (compact(target)) {
          reclaim(target.revision());
        }
      } catch (RuntimeException e) {
        log.error(
            "compaction at revision {} stopped; the next one, or a restart, begins it again",
            target.revision(),
            e);
        lock.lock();
        try {
          failed = true;
          doneRevision = state.finishedRevision();
        } finally {
          lock.unlock();
        }
        complete(e);
      }
    }
  }

  /** Waits for something to do; null when closed. */
  private @Nullable Target nextTarget() {
    lock.lock();
    try {
      while (!closed) {
        if (scheduledRevision > state.finishedRevision() && !failed) {
          return new Target(scheduledRevision, hashing);
        }
        changed.awaitUninterruptibly();
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** False if it was closed meanwhile. */
  private boolean compact(Target scheduled) {
    long startNanos = System.nanoTime();
    long removedBefore = state.recordsRemoved();
    long target = scheduled.revision();
    long before = state.finishedRevision();
    CompactionHash hash = scheduled.hashing() ? new CompactionHash(before, target) : null;
    if (!removeAll(tables.revisionsFrom(Math.max(before, 0)), target, hash)) {
      return false;
    }
    try (LevelDb.Batch batch = db.batch()) {
      write(batch, state.finished(target));
    }
    db.sync();
    log.info(
        "finished compaction at revision {}: {} records removed in {} ms",
        target,
        state.recordsRemoved() - removedBefore,
        TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos));
    if (hash != null) {
      if (!hashAllLeft(tables.revisionsFrom(before + 1), hash)) {
        return false;
      }
      hashes.add(hash.result());
    }
    completeIfIdle(target);
    return true;
  }

  /** False if it was closed meanwhile. */
  private boolean removeAll(byte[] from, long target, @Nullable CompactionHash hash) {
    byte[] end = tables.revisionsFrom(target + 1);
    byte[] position = from;
    while (position != null) {
      long begunNanos = System.nanoTime();
      try (LevelDb.Batch batch = db.batch();
          Cursor versions = db.cursor(null, false)) {
        Removal removal = new Removal(batch, versions, target, hash);
        position = walkBatch(position, end, removal);
        if (removal.records > 0) {
          write(batch, state.removed(removal.bytes, removal.records));
        }
      }
      if (restedUntilClosed(position == null ? 0 : pace.restNanos(STEP_REVISIONS, begunNanos))) {
        return false;
      }
    }
    return true;
  }

  /** False if it was closed meanwhile. */
  private boolean hashAllLeft(byte[] end, CompactionHash hash) {
    byte[] position = tables.revisionsFrom(0);
    while (position != null) {
      long begunNanos = System.nanoTime();
      position = walkBatch(position, end, hash::left);
      if (restedUntilClosed(position == null ? 0 : pace.restNanos(STEP_REVISIONS, begunNanos))) {
        return false;
      }
    }
    return true;
  }

  /** Is shown revisions in their order. */
  private interface Visitor {
    void visit(byte[] row, byte[] record);
  }

  /** Shows the next revisions before the end, and returns where to go on, or null for nowhere. */
  private byte @Nullable [] walkBatch(byte[] position, byte[] end, Visitor visitor) {
    try (Cursor walk = db.cursor(null, false)) {
      walk.seek(position);
      for (int i = 0; walk.valid(); i++, walk.next()) {
        byte[] row = walk.key();
        if (Arrays.compareUnsigned(row, end) >= 0) {
          return null;
        }
        if (i == STEP_REVISIONS) {
          return row;
        }
        visitor.visit(row, walk.value());
      }
      return null;
    }
  }

  private void write(LevelDb.Batch batch, CompactionState after) {
    batch.put(tables.state(CompactionState.NAME), after.encode());
    db.write(batch, false);
    state = after;
  }

  /**
   * One batch of removals. Its cursor does not see them, and need not: no removal depends on one
   * before it.
   */
  private final class Removal implements Visitor {
    private final LevelDb.Batch batch;
    private final Cursor versions;
    private final long target;
    private final @Nullable CompactionHash hash;
    private long bytes;
    private long records;

    private Removal(
        LevelDb.Batch batch, Cursor versions, long target, @Nullable CompactionHash hash) {
      this.batch = batch;
      this.versions = versions;
      this.target = target;
      this.hash = hash;
    }

    @Override
    public void visit(byte[] revision, byte[] record) {
      if (hash != null) {
        hash.walked(revision, record);
      }
      byte[] key = RecordCodec.decode(record).getKey().toByteArray();
      boolean tombstone = Tables.isTombstoneRevision(revision);
      long main = Tables.mainOfRevision(revision);
      byte[] visited = tables.version(key, main, Tables.subOfRevision(revision), tombstone);
      versions.seek(visited);
      if (!versions.valid() || !Arrays.equals(versions.key(), visited)) {
        throw new IllegalStateException("revision " + main + " is listed but has no version");
      }
      if (tombstone && main < target) {
        remove(visited, revision);
      }
      versions.next();
      if (versions.valid()) {
        byte[] replaced = versions.key();
        // A tombstone has removed itself when it was visited, unless it stands at the target and
        // stays.
        if (Tables.sameKey(visited, replaced) && !Tables.isTombstoneVersion(replaced)) {
          remove(
              replaced,
              tables.revision(
                  Tables.mainOfVersion(replaced), Tables.subOfVersion(replaced), false));
        }
      }
    }

    /** Removes the version at which the cursor stands. */
    private void remove(byte[] version, byte[] revision) {
      bytes += RecordCodec.decodeSize(versions.value());
      records++;
      removedSample.add(version);
      batch.delete(version);
      batch.delete(revision);
    }
  }

  /** Lets writes and reads have the disk for a while; true if closed meanwhile. */
  private boolean restedUntilClosed(long restNanos) {
    lock.lock();
    try {
      long nanos = restNanos;
      while (!closed && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
      return closed;
    } catch (InterruptedException e) {
      throw new IllegalStateException("the compaction thread is not to be interrupted", e);
    } finally {
      lock.unlock();
    }
  }

  /**
   * LevelDB drops removed rows when it rewrites their tables, and is only told to once that is
   * worth it.
   */
  private void reclaim(long target) {
    if (state.recordBytesRemoved() - removedBytesReclaimed < reclaimBytes) {
      return;
    }
    long pieces = (state.recordBytesRemoved() - removedBytesReclaimed) / PIECE_BYTES + 1;
    removedBytesReclaimed = state.recordBytesRemoved();
    dropView.run();
    List<byte[]> borders = new ArrayList<>();
    for (long piece = 1; piece < pieces; piece++) {
      borders.add(tables.revisionsFrom(target / pieces * piece));
    }
    compactPieces(tables.revisionsFrom(0), borders, tables.revisionsFrom(target + 1));
    compactPieces(tables.versionsFrom(new byte[0]), removedSample.sorted(), tables.versionsEnd());
    removedSample.clear();
  }

  private void compactPieces(byte[] from, List<byte[]> borders, byte[] to) {
    byte[] start = from;
    for (byte[] border : borders) {
      long begunNanos = System.nanoTime();
      db.compactRange(start, border);
      if (restedUntilClosed(pace.restNanos(0, begunNanos))) {
        return;
      }
      start = border;
    }
    if (!restedUntilClosed(0)) {
      db.compactRange(start, to);
    }
  }

  private void completeIfIdle(long done) {
    lock.lock();
    try {
      doneRevision = done;
      if (scheduledRevision > done) {
        return;
      }
    } finally {
      lock.unlock();
    }
    complete(null);
  }

  private void complete(@Nullable RuntimeException failure) {
    List<CompletableFuture<Void>> done;
    lock.lock();
    try {
      done = List.copyOf(waiting);
      waiting.clear();
    } finally {
      lock.unlock();
    }
    for (CompletableFuture<Void> future : done) {
      if (failure == null) {
        future.complete(null);
      } else {
        future.completeExceptionally(failure);
      }
    }
  }
}
