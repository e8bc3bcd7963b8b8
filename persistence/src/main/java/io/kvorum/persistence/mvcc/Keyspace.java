package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The versioned keyspace of one group in one LevelDB directory: one writer, any number of readers.
 *
 * <p>Batches are written without sync. After a crash of the machine the newest of them may be gone,
 * whole and from the end, and {@link #applied} says from where the log has to be applied again;
 * {@link #sync} says up to where it never will be.
 *
 * <p>Readers share one snapshot for each committed state. It is taken when the first of them asks,
 * or just before the next batch is written, so that asking for a view never waits for a write.
 */
public final class Keyspace implements AutoCloseable {

  /**
   * What this code reads and writes. A directory of a newer format is refused; older ones are
   * brought up here, once there are any.
   */
  private static final int FORMAT = 1;

  private static final String FORMAT_NAME = "format";

  private final LevelDb db;
  private final Tables tables;
  private final KeyspaceOptions options;
  private final Compactor compactor;
  private final OperationTotals totals = new OperationTotals();
  private final LongAdder openViews = new LongAdder();

  /** Guards the three below. Held for moments, never during a write of a batch. */
  private final ReentrantLock viewLock = new ReentrantLock();

  private volatile StoreState state;
  private volatile @Nullable SharedView newestView;
  private boolean writing;

  /** The writer's thread only. */
  private final KeyHeads heads = new KeyHeads();

  private volatile boolean tellsPreviousValues;

  /** The one batch under way; touched by the writer's thread only. */
  private @Nullable ApplyBatch batch;

  private volatile boolean closed;

  private Keyspace(
      LevelDb db,
      Tables tables,
      KeyspaceOptions options,
      StoreState state,
      CompactionState compaction) {
    this.db = db;
    this.tables = tables;
    this.options = options;
    this.state = state;
    this.compactor =
        new Compactor(
            db,
            tables,
            options,
            compaction,
            state.compactedRevision(),
            "kvorum-compaction-" + db.directory().getFileName(),
            this::dropView);
  }

  /**
   * Opens or creates the keyspace. A compaction that was not finished goes on.
   *
   * @throws StorageException if the directory cannot be used, or was written by a newer version
   */
  public static Keyspace open(Path directory, GroupId group, KeyspaceOptions options) {
    LevelDb db = LevelDb.open(directory, options.storage(), Recovery.KEEP_PREFIX);
    Keyspace keyspace = null;
    try {
      Tables tables = new Tables(group);
      checkFormat(db, tables);
      byte[] state = db.get(tables.state(StoreState.NAME));
      byte[] compaction = db.get(tables.state(CompactionState.NAME));
      keyspace =
          new Keyspace(
              db,
              tables,
              options,
              state == null ? StoreState.FRESH : StoreState.decode(state),
              compaction == null ? CompactionState.FRESH : CompactionState.decode(compaction));
      keyspace.compactor.start();
      return keyspace;
    } finally {
      if (keyspace == null) {
        db.close();
      }
    }
  }

  private static void checkFormat(LevelDb db, Tables tables) {
    byte[] row = tables.state(FORMAT_NAME);
    byte[] stored = db.get(row);
    if (stored == null) {
      try (LevelDb.Batch batch = db.batch()) {
        batch.put(row, Integer.toString(FORMAT).getBytes(StandardCharsets.US_ASCII));
        db.write(batch, false);
      }
      return;
    }
    String text = new String(stored, StandardCharsets.US_ASCII);
    if (!text.equals(Integer.toString(FORMAT))) {
      throw new StorageException(
          StorageException.Reason.IO,
          "keyspace in "
              + db.directory()
              + " has format "
              + text
              + ", and this version reads format "
              + FORMAT
              + " only: it was written by a newer version. Start that one, or restore a backup taken by this one");
    }
  }

  /** A view of the newest committed batch. Any thread; close it. */
  public ReadView view() {
    SharedView shared = newestView;
    ReadView view = shared == null ? null : shared.open();
    if (view != null) {
      return view;
    }
    viewLock.lock();
    try {
      // The keyspace's own use of its newest view keeps it open, and that use ends under this lock
      // only.
      view = newestView().open();
      if (view == null) {
        throw new IllegalStateException("the newest view of " + db.directory() + " is closed");
      }
      return view;
    } finally {
      viewLock.unlock();
    }
  }

  /**
   * Under the lock. While a batch is being written there always is one, so the snapshot never holds
   * more than the state says.
   */
  private SharedView newestView() {
    if (closed) {
      throw new IllegalStateException("keyspace " + db.directory() + " is closed");
    }
    SharedView view = newestView;
    if (view == null) {
      if (writing) {
        throw new IllegalStateException("no view during a write, at " + state);
      }
      view = new SharedView(db, tables, state, totals, openViews);
      newestView = view;
    }
    return view;
  }

  /** Starts a batch; the one before must be committed or closed. Only the writer's thread. */
  public ApplyBatch beginBatch() {
    if (batch != null) {
      throw new IllegalStateException("a batch is under way at " + state.applied());
    }
    ApplyBatch next = new ApplyBatch(this, db, tables, state, heads, totals);
    batch = next;
    return next;
  }

  void commit(ApplyBatch committing, LevelDb.Batch writes, StoreState after) {
    if (batch != committing) {
      throw new IllegalStateException("not the batch under way at " + state.applied());
    }
    viewLock.lock();
    try {
      newestView();
      writing = true;
    } finally {
      viewLock.unlock();
    }
    boolean written = false;
    StoreState before = state;
    try {
      db.write(writes, false);
      written = true;
    } finally {
      viewLock.lock();
      try {
        writing = false;
        if (written) {
          state = after;
          releaseView();
        }
      } finally {
        viewLock.unlock();
      }
    }
    if (after.compactedRevision() > before.compactedRevision()) {
      compactor.schedule(after.compactedRevision());
    }
  }

  void batchClosed(ApplyBatch closing) {
    if (batch == closing) {
      batch = null;
    }
  }

  /** The position of the newest committed batch. */
  public LogPosition applied() {
    return state.applied();
  }

  /**
   * Makes all committed batches durable; returns the position up to which nothing can be lost any
   * more.
   */
  public LogPosition sync() {
    LogPosition position = state.applied();
    db.sync();
    return position;
  }

  public long currentRevision() {
    return state.revision();
  }

  /** -1 before the first compaction. */
  public long compactedRevision() {
    return state.compactedRevision();
  }

  /** What was last committed under this name. */
  public byte @Nullable [] meta(String key) {
    return db.get(tables.meta(key));
  }

  public KeyspaceStats stats() {
    StoreState now = state;
    CompactionState compaction = compactor.state();
    long inUse = Math.max(0, now.recordBytesAdded() - compaction.recordBytesRemoved());
    return new KeyspaceStats(
        totals.puts.sum(),
        totals.deletes.sum(),
        totals.ranges.sum(),
        totals.txns.sum(),
        totals.putBytes.sum(),
        now.liveKeys(),
        KeyspaceStats.EMPTY_STORE_BYTES + inUse,
        KeyspaceStats.EMPTY_STORE_BYTES + Math.max(now.peakRecordBytes(), inUse),
        compaction.recordsRemoved(),
        openViews.sum());
  }

  /**
   * Completes when the physical half of every compaction committed before is done and synced;
   * exceptionally if the disk fails or the keyspace is closed first.
   */
  public CompletionStage<Void> physicalCompaction() {
    return compactor.idle();
  }

  /**
   * Whether the events of commits to come shall carry the value before each put that replaces one.
   * Without, a put of a key written not long ago saves its writer a read. Any thread.
   */
  public void tellPreviousValues(boolean wanted) {
    tellsPreviousValues = wanted;
  }

  boolean tellsPreviousValues() {
    return tellsPreviousValues;
  }

  boolean leaseExists(long lease) {
    return options.leaseExists().test(lease);
  }

  long recordBytesRemoved() {
    return compactor.state().recordBytesRemoved();
  }

  /**
   * Lets go of the snapshot kept for readers to come; during a write the commit is about to do so
   * itself.
   */
  private void dropView() {
    viewLock.lock();
    try {
      if (!writing) {
        releaseView();
      }
    } finally {
      viewLock.unlock();
    }
  }

  private void releaseView() {
    SharedView view = newestView;
    newestView = null;
    if (view != null) {
      view.release();
    }
  }

  /**
   * Ends the background work and closes the directory. An uncommitted batch and open views become
   * unusable.
   */
  @Override
  public void close() {
    viewLock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
    } finally {
      viewLock.unlock();
    }
    compactor.close();
    dropView();
    db.close();
  }
}
