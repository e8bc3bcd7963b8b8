package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbSnapshot;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.protocol.mvccpb.KeyValue;
import org.jspecify.annotations.Nullable;

/**
 * The keyspace as LevelDB holds it: at a snapshot, or as it is now for the one writer, whom nobody
 * overtakes.
 *
 * <p>Where single rows are read with a cursor, the writer keeps one as long as it lives, and is to
 * be closed.
 */
final class CommittedKeys implements Keys, AutoCloseable {

  private final LevelDb db;
  private final Tables tables;
  private final @Nullable LevelDbSnapshot snapshot;
  private final StoreState state;
  private @Nullable Cursor writersCursor;

  CommittedKeys(LevelDb db, Tables tables, @Nullable LevelDbSnapshot snapshot, StoreState state) {
    this.db = db;
    this.tables = tables;
    this.snapshot = snapshot;
    this.state = state;
  }

  @Override
  public long currentRevision() {
    return state.revision();
  }

  @Override
  public long compactedRevision() {
    return state.compactedRevision();
  }

  @Override
  public long liveKeys() {
    return state.liveKeys();
  }

  @Override
  public @Nullable KeyValue get(byte[] key, long revision) {
    if (isNewest(revision)) {
      byte[] value = read(tables.current(key));
      return value == null ? null : RecordCodec.decode(recordOfCurrent(value));
    }
    byte[] versions = tables.versionsOf(key, revision);
    try (Cursor cursor = db.cursor(snapshot)) {
      cursor.seek(versions);
      if (!cursor.valid()) {
        return null;
      }
      byte[] version = cursor.key();
      return Tables.isVersionOf(version, versions) && !Tables.isTombstoneVersion(version)
          ? RecordCodec.decode(recordOfVersion(version))
          : null;
    }
  }

  @Override
  public Scan scan(Interval interval, long revision) {
    Cursor cursor = db.cursor(snapshot);
    return isNewest(revision)
        ? new CurrentScan(cursor, tables, interval, this::recordOfCurrent)
        : new PastScan(cursor, tables, interval, revision, this::recordOfVersion);
  }

  private boolean isNewest(long revision) {
    return revision <= NEWEST || revision >= state.revision();
  }

  private byte[] recordOfCurrent(byte[] value) {
    return CurrentRow.isPointer(value)
        ? recordAt(CurrentRow.main(value), CurrentRow.sub(value))
        : value;
  }

  private byte[] recordOfVersion(byte[] version) {
    return recordAt(Tables.mainOfVersion(version), Tables.subOfVersion(version));
  }

  private byte[] recordAt(long main, long sub) {
    byte[] record = read(tables.revision(main, sub, false));
    if (record == null) {
      throw new StorageException(
          StorageException.Reason.CORRUPT,
          "keyspace in "
              + db.directory()
              + ": the record of revision "
              + main
              + "_"
              + sub
              + " is missing");
    }
    return record;
  }

  private byte @Nullable [] read(byte[] row) {
    if (snapshot != null) {
      return db.get(row, snapshot);
    }
    if (!db.readsRowsByCursor()) {
      return db.get(row);
    }
    Cursor cursor = writersCursor;
    if (cursor == null) {
      cursor = db.cursor(null);
      writersCursor = cursor;
    }
    return cursor.valueOf(row);
  }

  /** The writer's, before it writes. */
  @Override
  public void close() {
    Cursor cursor = writersCursor;
    writersCursor = null;
    if (cursor != null) {
      cursor.close();
    }
  }
}
