package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A LevelDB that cannot crash the process by use after close: every operation after {@link #close}
 * throws {@link IllegalStateException}, and {@code close} waits for those that run. All methods may
 * be called from any thread, and every failure of the disk is a {@link StorageException}.
 *
 * <p>After a write has failed inside LevelDB no later write is let through, because the log may end
 * in a half-written record and what is written behind it would be lost at the next start. Reads go
 * on. Opening the directory anew checks and repairs it. A write refused for lack of space ({@link
 * StorageException.Reason#FULL}) never reached LevelDB and spoils nothing.
 */
public final class LevelDb implements AutoCloseable {

  private static final int LEVELS = 7;

  private final Path directory;
  private final Engine engine;
  private final DirectoryLock lock;
  private final DiskSpace space;
  private final OperationGate gate = new OperationGate();
  private final Set<Cursor> cursors = ConcurrentHashMap.newKeySet();
  private final Set<LevelDbSnapshot> snapshots = ConcurrentHashMap.newKeySet();
  private final Damage damage;
  private final IndexWatch indexWatch;
  private final SyncedWrites syncedWrites;
  private final PointReads pointReads;
  private volatile @Nullable StorageException writeFailure;

  /**
   * @param lastSequence the newest change that was found at opening
   */
  LevelDb(
      Path directory,
      Engine engine,
      DirectoryLock lock,
      DiskSpace space,
      Recovery recovery,
      long lastSequence) {
    this.directory = directory;
    this.engine = engine;
    this.lock = lock;
    this.space = space;
    this.damage = new Damage(directory, recovery);
    this.indexWatch = IndexWatch.start(directory, damage);
    this.syncedWrites = SyncedWrites.open(directory, recovery, lastSequence);
    this.pointReads = new PointReads(this::tables, System::nanoTime);
  }

  /** Opens a database whose every write is synced: {@link Recovery#REFUSE_LOSS}. */
  public static LevelDb open(Path directory, LevelDbOptions options) {
    return open(directory, options, Recovery.REFUSE_LOSS);
  }

  /**
   * Opens the database in {@code directory}, which is created if missing. Its log files are checked
   * first.
   *
   * @throws StorageException if the directory is in use, read-only, full, damaged or not a
   *     directory
   */
  public static LevelDb open(Path directory, LevelDbOptions options, Recovery recovery) {
    return Opening.open(directory, options, recovery, Opening.preferredEngine());
  }

  public Path directory() {
    return directory;
  }

  /** Whether there is a database, or what is left of one, as far as the names of files tell. */
  public static boolean isOne(Path directory) {
    return Opening.isOne(directory);
  }

  /** How many tables lie in a directory; 0 where there is none. */
  public static int tablesIn(Path directory) {
    return Opening.tablesIn(directory);
  }

  /**
   * Completes when damage was met on the disk, with the file's name if it could be found. Nothing
   * is read or written from then on: every operation throws this.
   */
  public CompletionStage<StorageException> damage() {
    return damage.found();
  }

  /**
   * A failure with the damaged file's name in it, if damage is what it tells of. Waits for the
   * search: for who cannot do without, at a start.
   */
  public StorageException named(StorageException failure) {
    return failure.reason() == StorageException.Reason.CORRUPT ? damage.named(failure) : failure;
  }

  /** The newest value of {@code key}, or null. */
  public byte @Nullable [] get(byte[] key) {
    return engineGet(key, null);
  }

  /** The value of {@code key} when the snapshot was taken, or null. */
  public byte @Nullable [] get(byte[] key, LevelDbSnapshot at) {
    if (pointReads.byCursor()) {
      try (Cursor cursor = cursor(at)) {
        return cursor.valueOf(key);
      }
    }
    return engineGet(key, at);
  }

  /**
   * Whether a reader of many single rows, who can keep a cursor, is to read the next one with it:
   * see {@link PointReads}. Otherwise by {@link #get(byte[])}.
   */
  public boolean readsRowsByCursor() {
    return pointReads.byCursor();
  }

  private byte @Nullable [] engineGet(byte[] key, @Nullable LevelDbSnapshot at) {
    enter();
    try {
      Engine.View view = at == null ? null : at.acquire(this);
      try {
        return engine.get(key, view);
      } catch (IOException | RuntimeException e) {
        throw readFailed(e, key);
      } finally {
        if (at != null) {
          at.release();
        }
      }
    } finally {
      gate.leave();
    }
  }

  private int tables() {
    int tables = 0;
    for (int level = 0; level < LEVELS; level++) {
      String files = property("leveldb.num-files-at-level" + level);
      tables += files == null ? 0 : Integer.parseInt(files.strip());
    }
    return tables;
  }

  /**
   * Writes a batch as one: after a crash all of it is there or nothing. With {@code sync} it is on
   * the disk when this returns.
   */
  public void write(Batch batch, boolean sync) {
    write(batch, sync, false);
  }

  /**
   * Writes a batch that lets space be given back, by deleting for the most part. It is let through
   * on a disk that is too full for other writes.
   */
  public void writeReclaiming(Batch batch, boolean sync) {
    write(batch, sync, true);
  }

  private void write(Batch batch, boolean sync, boolean reclaiming) {
    enter();
    try {
      synchronized (batch) {
        requireWritable();
        if (reclaiming) {
          space.requireToReclaim(batch.bytes);
        } else {
          space.require(batch.bytes);
        }
        SyncedWrites.Ticket ticket = syncedWrites.begin(batch.size, sync);
        writeRaw(batch.raw(this), sync);
        syncedWrites.written(ticket);
      }
    } finally {
      gate.leave();
    }
  }

  private void writeRaw(Engine.Writes batch, boolean sync) {
    try {
      engine.write(batch, sync);
    } catch (IOException | RuntimeException e) {
      throw writeFailed(e);
    } catch (InternalError e) {
      // How Java reports a page of a mapped file that the disk has no room for.
      throw writeFailed(new IOException(e));
    }
  }

  /**
   * Makes every earlier write durable. Unlike a synced write, which syncs only the log file that it
   * is written to, this also covers a previous log file whose content is not in a table yet.
   */
  public void sync() {
    enter();
    try {
      requireWritable();
      LogFiles.force(directory);
    } catch (IOException e) {
      throw writeFailed(e);
    } finally {
      gate.leave();
    }
  }

  public Batch batch() {
    enter();
    try {
      return new Batch(this, engine.writes());
    } finally {
      gate.leave();
    }
  }

  public LevelDbSnapshot snapshot() {
    enter();
    try {
      LevelDbSnapshot snapshot = new LevelDbSnapshot(this, engine.view());
      snapshots.add(snapshot);
      return snapshot;
    } finally {
      gate.leave();
    }
  }

  /**
   * A cursor over the content at {@code at}, or over the newest if null. It stands nowhere until a
   * seek.
   */
  public Cursor cursor(@Nullable LevelDbSnapshot at) {
    return cursor(at, true);
  }

  /**
   * A cursor for a scan of chosen length.
   *
   * @param fillCache false for a long scan, so that it does not drive out of the cache what others
   *     read
   */
  public Cursor cursor(@Nullable LevelDbSnapshot at, boolean fillCache) {
    enter();
    try {
      if (at == null) {
        return register(new Cursor(this, engine.walk(null, fillCache)));
      }
      Engine.View view = at.acquire(this);
      try {
        return register(new Cursor(this, engine.walk(view, fillCache)));
      } finally {
        at.release();
      }
    } finally {
      gate.leave();
    }
  }

  /**
   * Rewrites the tables that hold keys from {@code from} to {@code to} and so frees the space of
   * deleted entries. Slow.
   */
  public void compactRange(byte[] from, byte[] to) {
    enter();
    try {
      requireWritable();
      space.requireToReclaim(0);
      engine.compactRange(from, to);
    } finally {
      gate.leave();
    }
  }

  /**
   * Bytes that the keys from {@code from} up to {@code to} take in tables; what is only in the log
   * is not counted.
   */
  public long approximateSize(byte[] from, byte[] to) {
    enter();
    try {
      return engine.approximateSize(from, to);
    } finally {
      gate.leave();
    }
  }

  /** A LevelDB property, such as {@code leveldb.stats}, or null if there is none of that name. */
  public @Nullable String property(String name) {
    enter();
    try {
      return engine.property(name);
    } finally {
      gate.leave();
    }
  }

  /**
   * Waits for running operations, closes every cursor and snapshot, then the database. Closing
   * twice does nothing.
   */
  @Override
  public void close() {
    if (!gate.close()) {
      return;
    }
    indexWatch.close();
    cursors.forEach(Cursor::close);
    snapshots.forEach(LevelDbSnapshot::releaseRaw);
    try {
      engine.close();
      syncedWrites.close();
    } catch (IOException e) {
      throw writeFailed(e);
    } finally {
      lock.close();
    }
  }

  private Cursor register(Cursor cursor) {
    cursors.add(cursor);
    return cursor;
  }

  /** What it took a cursor to find a row. */
  void cursorTook(long nanos) {
    pointReads.took(nanos);
  }

  void forget(Cursor cursor) {
    cursors.remove(cursor);
  }

  /** A snapshot that nobody uses any more. */
  void forget(LevelDbSnapshot snapshot) {
    // Once the gate is closed the database's own close releases what is left.
    if (gate.enter()) {
      try {
        snapshot.releaseRaw();
        snapshots.remove(snapshot);
      } finally {
        gate.leave();
      }
    }
  }

  private void enter() {
    if (!gate.enter()) {
      throw new IllegalStateException("database " + directory + " is closed");
    }
    boolean good = false;
    try {
      damage.throwIfFound();
      good = true;
    } finally {
      if (!good) {
        gate.leave();
      }
    }
  }

  private void requireWritable() {
    StorageException failure = writeFailure;
    if (failure != null) {
      throw new StorageException(
          failure.reason(), "no writes after an earlier failure: " + failure.getMessage(), failure);
    }
  }

  private StorageException writeFailed(Exception e) {
    StorageException failure = Opening.failure("cannot write to", directory, e);
    writeFailure = failure;
    suspectDamage(failure, null);
    return failure;
  }

  /**
   * @param near the key that was asked for, if any
   */
  RuntimeException readFailed(Exception e, byte @Nullable [] near) {
    if (e instanceof IllegalStateException illegal) {
      return illegal;
    }
    StorageException failure = Opening.failure("cannot read", directory, e);
    suspectDamage(failure, near);
    return failure;
  }

  private void suspectDamage(StorageException failure, byte @Nullable [] near) {
    if (failure.reason() == StorageException.Reason.CORRUPT) {
      damage.suspect(failure, near);
    }
  }

  /** Changes that are written together. For one thread at a time. */
  public static final class Batch implements AutoCloseable {
    private final LevelDb owner;
    private Engine.@Nullable Writes raw;
    private int size;
    private long bytes;

    private Batch(LevelDb owner, Engine.Writes raw) {
      this.owner = owner;
      this.raw = raw;
    }

    public synchronized void put(byte[] key, byte[] value) {
      raw(owner).put(key, value);
      size++;
      bytes += key.length + value.length;
    }

    public synchronized void delete(byte[] key) {
      raw(owner).delete(key);
      size++;
      bytes += key.length;
    }

    /** How many changes it holds. */
    public synchronized int size() {
      return size;
    }

    /** Bytes of the keys and values that it holds. */
    public synchronized long bytes() {
      return bytes;
    }

    private Engine.Writes raw(LevelDb db) {
      Engine.Writes open = raw;
      if (open == null) {
        throw new IllegalStateException("batch is closed");
      }
      if (db != owner) {
        throw new IllegalArgumentException(
            "batch belongs to " + owner.directory + ", not to " + db.directory);
      }
      return open;
    }

    @Override
    public synchronized void close() {
      Engine.Writes open = raw;
      raw = null;
      if (open != null) {
        open.release();
      }
    }
  }
}
