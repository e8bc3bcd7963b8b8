package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The versioned keyspace of one group below one directory: one writer, any number of readers.
 *
 * <p>Batches are written without sync. After a crash of the machine the newest of them may be gone,
 * whole and from the end, and {@link #applied} says from where the log has to be applied again;
 * {@link #sync} says up to where it never will be.
 *
 * <p>Readers share one snapshot for each committed state. It is taken when the first of them asks,
 * or just before the next batch is written, so that asking for a view never waits for a write.
 *
 * <p>The whole content can be replaced while it is in use: what is to come is gathered in a {@link
 * #stage staging} beside it, and {@link #install} switches. Views opened before go on with what
 * they see, and the old directory goes with the last of them.
 */
public final class Keyspace implements AutoCloseable {

  private final KeyspaceDirectory directory;
  private final Tables tables;
  private final KeyspaceOptions options;
  private final OperationTotals totals = new OperationTotals();
  private final LongAdder openViews = new LongAdder();

  /** Stores that were replaced; some may still be read. */
  private final Set<Store> retired = ConcurrentHashMap.newKeySet();

  /** Guards the three below. Held for moments, never during a write of a batch. */
  private final ReentrantLock viewLock = new ReentrantLock();

  private volatile Store store;
  private volatile @Nullable SharedView newestView;
  private boolean writing;

  /** The writer's thread only. */
  private KeyHeads heads = new KeyHeads();

  private KnownLeases knownLeases = new KnownLeases();

  private volatile boolean tellsPreviousValues;

  /** The one batch under way; touched by the writer's thread only. */
  private @Nullable ApplyBatch batch;

  private volatile boolean closed;

  private final CompletableFuture<StorageException> damage = new CompletableFuture<>();

  private Keyspace(KeyspaceDirectory directory, Tables tables, KeyspaceOptions options) {
    this.directory = directory;
    this.tables = tables;
    this.options = options;
    this.store = Store.open(directory.current(), tables, options, this::dropView);
    store.db().damage().thenAccept(damage::complete);
  }

  /**
   * Completes when damage was met on the disk, with the file's name if it could be found. Nothing
   * can be read or written from then on.
   */
  public CompletionStage<StorageException> damage() {
    return damage.minimalCompletionStage();
  }

  /**
   * Opens or creates the keyspace. A compaction that was not finished goes on; what is left of a
   * replacement that did not come to its switch is removed.
   *
   * @throws StorageException if the directory cannot be used, or was written by a newer version
   */
  public static Keyspace open(Path directory, GroupId group, KeyspaceOptions options) {
    KeyspaceDirectory held = KeyspaceDirectory.open(directory);
    Keyspace keyspace = null;
    boolean opened = false;
    try {
      keyspace = new Keyspace(held, new Tables(group), options);
      keyspace.checkInstalled();
      held.deleteOthers();
      keyspace.store.start();
      opened = true;
      return keyspace;
    } finally {
      if (!opened) {
        if (keyspace != null) {
          keyspace.store.close();
        }
        held.close();
      }
    }
  }

  /** A snapshot is synced before it is put into force: never may it be found with less. */
  private void checkInstalled() {
    LogPosition installed = directory.unfinishedInstall().orElse(LogPosition.ZERO);
    if (applied().index() < installed.index()) {
      throw new StorageException(
          StorageException.Reason.CORRUPT,
          "the keyspace in "
              + directory.current()
              + " was installed at "
              + installed
              + " and is found at "
              + applied()
              + ": the disk has lost what was synced. "
              + Recovery.KEEP_PREFIX.whatToDo());
    }
  }

  /** A view of the newest committed batch. Any thread; close it. */
  public ReadView view() {
    return onNewestView(SharedView::open);
  }

  /** The leases as the newest committed batch left them. Any thread; close it. */
  public LeaseView leases() {
    return onNewestView(SharedView::leases);
  }

  /** Everything that is stored, as the newest committed batch left it. Any thread; close it. */
  public KeyspaceExport export() {
    return onNewestView(SharedView::export);
  }

  private <T> T onNewestView(Function<SharedView, @Nullable T> open) {
    SharedView shared = newestView;
    T handle = shared == null ? null : open.apply(shared);
    if (handle != null) {
      return handle;
    }
    viewLock.lock();
    try {
      // The keyspace's own use of its newest view keeps it open, and that use ends under this lock
      // only.
      handle = open.apply(newestView());
      if (handle == null) {
        throw new IllegalStateException("the newest view of " + directory.path() + " is closed");
      }
      return handle;
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
      throw closedAlready();
    }
    SharedView view = newestView;
    if (view == null) {
      if (writing) {
        throw new IllegalStateException("no view during a write, at " + store.state());
      }
      view = new SharedView(store, tables, totals, openViews);
      newestView = view;
    }
    return view;
  }

  private IllegalStateException closedAlready() {
    return new IllegalStateException("keyspace " + directory.path() + " is closed");
  }

  /** Starts a batch; the one before must be committed or closed. Only the writer's thread. */
  public ApplyBatch beginBatch() {
    requireNoBatch();
    ApplyBatch next =
        new ApplyBatch(
            this,
            store.db(),
            tables,
            store.state(),
            store.chain().head(),
            heads,
            knownLeases,
            totals);
    batch = next;
    return next;
  }

  private void requireNoBatch() {
    if (batch != null) {
      throw new IllegalStateException("a batch is under way at " + applied());
    }
  }

  /**
   * @param chain the rolling hash at each revision behind the one before
   */
  void commit(ApplyBatch committing, LevelDb.Batch writes, StoreState after, long[] chain) {
    if (batch != committing) {
      throw new IllegalStateException("not the batch under way at " + applied());
    }
    viewLock.lock();
    try {
      newestView();
      writing = true;
    } finally {
      viewLock.unlock();
    }
    boolean written = false;
    StoreState before = store.state();
    try {
      store.db().write(writes, false);
      written = true;
    } finally {
      viewLock.lock();
      try {
        writing = false;
        if (written) {
          store.state(after);
          store
              .chain()
              .append(after.applied().index(), chain, (int) (after.revision() - before.revision()));
          releaseView();
        }
      } finally {
        viewLock.unlock();
      }
    }
    if (after.compactedRevision() > before.compactedRevision()) {
      store.compactor().schedule(after.compactedRevision());
    }
  }

  void batchClosed(ApplyBatch closing) {
    if (batch == closing) {
      batch = null;
    }
  }

  /** The position of the newest committed batch. */
  public LogPosition applied() {
    return store.applied();
  }

  /**
   * Makes all committed batches durable; returns the position up to which nothing can be lost any
   * more. Any thread: while {@link #install} runs the position may be one of the old content, which
   * lies before that of the new.
   */
  public LogPosition sync() {
    return using(
        current -> {
          LogPosition position = current.applied();
          current.db().sync();
          return position;
        });
  }

  public long currentRevision() {
    return store.state().revision();
  }

  /** -1 before the first compaction. */
  public long compactedRevision() {
    return store.state().compactedRevision();
  }

  /** The rolling hash of what is in force: another one after each {@link #install}. Any thread. */
  public RevisionChain chain() {
    return store.chain();
  }

  /** What was last committed under this name. */
  public byte @Nullable [] meta(String key) {
    return this.<byte @Nullable []>using(current -> current.db().get(tables.meta(key)));
  }

  /** {@link KeyspaceStats#sizeBytes} alone, for those who ask for each request. */
  public long sizeBytes() {
    return KeyspaceStats.EMPTY_STORE_BYTES + store.allocatedBytes();
  }

  public KeyspaceStats stats() {
    Store current = store;
    StoreState now = current.state();
    CompactionState compaction = current.compactor().state();
    return new KeyspaceStats(
        totals.puts.sum(),
        totals.deletes.sum(),
        totals.ranges.sum(),
        totals.txns.sum(),
        totals.putBytes.sum(),
        now.liveKeys(),
        KeyspaceStats.EMPTY_STORE_BYTES + current.inUseBytes(),
        KeyspaceStats.EMPTY_STORE_BYTES + current.allocatedBytes(),
        compaction.recordsRemoved(),
        openViews.sum());
  }

  /**
   * Completes when the physical half of every compaction committed before is done and synced;
   * exceptionally if the disk fails, or the keyspace is closed or replaced first.
   */
  public CompletionStage<Void> physicalCompaction() {
    return store.compactor().idle();
  }

  /**
   * What the newest compactions have hashed on their way, ascending by revision; in memory only,
   * and gone when the keyspace is replaced.
   */
  public List<KeyValueHash> compactionHashes() {
    return store.compactor().hashes().all();
  }

  /**
   * Gives space of removed records back to the file system, and in the account of {@link #stats}.
   * Reads and writes go on meanwhile. Takes long; one thread at a time.
   */
  public void defragment() {
    this.<@Nullable Void>using(
        current -> {
          current.defragment();
          return null;
        });
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

  long recordBytesRemoved() {
    return store.compactor().state().recordBytesRemoved();
  }

  /** With the newest store, which stays until the work is done. */
  private <T extends @Nullable Object> T using(Function<Store, T> work) {
    while (true) {
      Store current = store;
      if (current.enter()) {
        try {
          return work.apply(current);
        } finally {
          current.leave();
        }
      }
    }
  }

  /**
   * Begins to gather what may replace the whole content. Any thread.
   *
   * @param expectedBytes about what it will take
   * @throws StorageException if the disk has no room for that, or takes no writes
   */
  public KeyspaceStaging stage(long expectedBytes) {
    if (closed) {
      throw closedAlready();
    }
    requireRoom(expectedBytes);
    int generation = directory.nextGeneration();
    return new KeyspaceStaging(
        directory.generation(generation), generation, tables, options.storage());
  }

  private void requireRoom(long expectedBytes) {
    long free;
    try {
      free = Files.getFileStore(directory.path()).getUsableSpace();
    } catch (IOException e) {
      throw new StorageException(
          StorageException.Reason.IO, "cannot tell the free space of " + directory.path(), e);
    }
    if (free - expectedBytes < options.storage().minFreeBytes()) {
      throw new StorageException(
          StorageException.Reason.FULL,
          "disk full: a snapshot of %d MiB does not fit into %s, which has %d MiB free of which %d must stay free"
              .formatted(
                  expectedBytes >> 20,
                  directory.path(),
                  free >> 20,
                  options.storage().minFreeBytes() >> 20));
    }
  }

  /**
   * Replaces the whole content by what was staged, which must be further on. It is in force, and
   * durable, when this returns; a crash before leaves the old content or the new one, and in the
   * latter case {@link #unfinishedInstall} says so. Only the writer's thread, without a batch under
   * way.
   *
   * @throws StorageException if the disk refuses. What the disk holds is not known then: nothing
   *     else may be written before a later attempt succeeds
   */
  public void install(KeyspaceStaging staged) {
    requireNoBatch();
    LogPosition position = staged.position();
    if (position.index() <= applied().index()) {
      throw new IllegalArgumentException(
          "a snapshot at " + position + " for a keyspace at " + applied());
    }
    Store next = Store.open(staged.directory(), tables, options, this::dropView);
    boolean switched = false;
    try {
      if (!next.applied().equals(position)) {
        throw new IllegalStateException(
            staged.directory() + " is at " + next.applied() + " in place of " + position);
      }
      directory.switchTo(staged.generation(), position);
      switched = true;
    } finally {
      if (!switched) {
        next.close();
      }
    }
    staged.installed();
    replaceStore(next);
  }

  private void replaceStore(Store next) {
    Store old;
    viewLock.lock();
    try {
      old = store;
      store = next;
      releaseView();
    } finally {
      viewLock.unlock();
    }
    heads = new KeyHeads();
    knownLeases = new KnownLeases();
    next.db().damage().thenAccept(damage::complete);
    next.start();
    retired.removeIf(Store::isGone);
    retired.add(old);
    old.retire();
  }

  /**
   * The position at which a snapshot was installed, as long as nobody has said that the log begins
   * there. If the log does not, it must be set to it before anything else is done: it holds nothing
   * that is not in the snapshot.
   */
  public Optional<LogPosition> unfinishedInstall() {
    return directory.unfinishedInstall();
  }

  /** The log begins where the installed snapshot ends, durably. Any thread. */
  public void installFinished() {
    directory.installFinished();
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
    store.compactor().close();
    dropView();
    store.close();
    retired.forEach(Store::close);
    directory.close();
  }
}
