package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbSnapshot;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.CRC32C;

/**
 * Everything that is stored for a group, as one committed batch left it: raw rows of all tables in
 * their order, whatever their owners mean by them. Must be closed, as it keeps LevelDB from
 * dropping what it sees. One thread at a time.
 */
public final class KeyspaceExport implements AutoCloseable {

  private final LevelDb db;
  private final LevelDbSnapshot snapshot;
  private final Tables tables;
  private final StoreState state;
  private final CompactionHashes compactionHashes;
  private final Runnable release;
  private final AtomicBoolean closed = new AtomicBoolean();

  KeyspaceExport(
      LevelDb db,
      LevelDbSnapshot snapshot,
      Tables tables,
      StoreState state,
      CompactionHashes compactionHashes,
      Runnable release) {
    this.db = db;
    this.snapshot = snapshot;
    this.tables = tables;
    this.state = state;
    this.compactionHashes = compactionHashes;
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

  /**
   * etcd's hash over all records up to a revision; reads them all. Of a revision at which this
   * member has compacted, what it hashed while it did: that is over more than is left, and
   * therefore has the compaction before in it.
   *
   * @param revision 0 for the current one
   * @return refused if the revision is compacted or in the future
   */
  public Outcome<KeyValueHash> hash(long revision) {
    requireOpen();
    // First, as in etcd: they are still known when their revision is compacted.
    KeyValueHash remembered = compactionHashes.at(revision).orElse(null);
    if (remembered != null) {
      return Outcome.ok(remembered);
    }
    if (revision > 0 && revision < state.compactedRevision()) {
      return Outcome.refused(EtcdError.COMPACTED);
    }
    if (revision > state.revision()) {
      return Outcome.refused(EtcdError.FUTURE_REV);
    }
    return Outcome.ok(
        RecordHasher.hash(
            db,
            tables,
            snapshot,
            state.compactedRevision(),
            revision == 0 ? state.revision() : revision));
  }

  /**
   * A CRC-32C over everything that is stored, except for what tells how far this member has come.
   * Reads it all. Members need not agree on it: one may have removed more than the other.
   */
  public int hashOfAllRows() {
    CRC32C crc = new CRC32C();
    try (Rows rows = rows()) {
      while (rows.advance()) {
        if (!Tables.isState(rows.key())) {
          crc.update(rows.key());
          crc.update(rows.value());
        }
      }
    }
    return (int) crc.getValue();
  }

  /** The rows from the first on; to be closed before the export. */
  public Rows rows() {
    requireOpen();
    return new Rows(db.cursor(snapshot, false), tables);
  }

  private void requireOpen() {
    if (closed.get()) {
      throw new IllegalStateException("export is closed");
    }
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
