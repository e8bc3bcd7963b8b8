package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Everything that is stored for a group, as one committed batch left it: raw rows of all tables in
 * their order, whatever their owners mean by them. Must be closed, as it keeps LevelDB from
 * dropping what it sees. One thread at a time.
 */
public final class KeyspaceExport implements AutoCloseable {

  private final LevelDb db;
  private final LevelDb.Snapshot snapshot;
  private final Tables tables;
  private final StoreState state;
  private final Runnable release;
  private final AtomicBoolean closed = new AtomicBoolean();

  KeyspaceExport(
      LevelDb db, LevelDb.Snapshot snapshot, Tables tables, StoreState state, Runnable release) {
    this.db = db;
    this.snapshot = snapshot;
    this.tables = tables;
    this.state = state;
    this.release = release;
  }

  public GroupId group() {
    return tables.group();
  }

  /** The newest log entry whose effects it holds. */
  public LogPosition position() {
    return state.applied();
  }

  public long currentRevision() {
    return state.revision();
  }

  /** -1 before the first compaction. */
  public long compactedRevision() {
    return state.compactedRevision();
  }

  /** About what all rows take on disk; may be off by what is not in tables yet. */
  public long approximateBytes() {
    return db.approximateSize(tables.groupFrom(), tables.groupEnd());
  }

  /** The rows from the first on; to be closed before the export. */
  public Rows rows() {
    if (closed.get()) {
      throw new IllegalStateException("export is closed");
    }
    return new Rows(db.cursor(snapshot, false), tables);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      release.run();
    }
  }

  /** A walk over the rows. It leaves the block cache to others. */
  public static final class Rows implements AutoCloseable {
    private final Cursor cursor;
    private final Tables tables;
    private boolean started;
    private byte[] key = new byte[0];

    private Rows(Cursor cursor, Tables tables) {
      this.cursor = cursor;
      this.tables = tables;
    }

    /** Moves to the next row; false behind the last. */
    public boolean advance() {
      if (started) {
        cursor.next();
      } else {
        started = true;
        cursor.seek(tables.groupFrom());
      }
      if (!cursor.valid()) {
        return false;
      }
      key = cursor.key();
      return tables.isOfGroup(key);
    }

    public byte[] key() {
      return key;
    }

    public byte[] value() {
      return cursor.value();
    }

    @Override
    public void close() {
      cursor.close();
    }
  }
}
