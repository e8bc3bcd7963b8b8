package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.protocol.mvccpb.KeyValue;
import org.jspecify.annotations.Nullable;

/** The keyspace as LevelDB holds it at one state. */
abstract class CommittedKeys implements Keys {

  private final LevelDb db;
  private final Tables tables;
  private final LevelDb.@Nullable Snapshot snapshot;
  private final StoreState state;

  private CommittedKeys(
      LevelDb db, Tables tables, LevelDb.@Nullable Snapshot snapshot, StoreState state) {
    this.db = db;
    this.tables = tables;
    this.snapshot = snapshot;
    this.state = state;
  }

  /** For any number of threads. */
  static CommittedKeys at(LevelDb db, Tables tables, LevelDb.Snapshot snapshot, StoreState state) {
    return new Shared(db, tables, snapshot, state);
  }

  /**
   * For the one writer, whom nobody overtakes. Looks single keys up with a cursor that it keeps
   * until it is closed.
   */
  static Writers newest(LevelDb db, Tables tables, StoreState state) {
    return new Writers(db, tables, state);
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
  public Scan scan(Interval interval, long revision) {
    return new VersionScan(openCursor(), tables, interval, upTo(revision));
  }

  final LevelDb.Cursor openCursor() {
    return db.cursor(snapshot);
  }

  /** The newest version at the revision is the first row not before it. */
  final @Nullable KeyValue lookUp(LevelDb.Cursor cursor, byte[] key, long revision) {
    byte[] versions = tables.versionsOf(key, upTo(revision));
    cursor.seek(versions);
    if (!cursor.valid()) {
      return null;
    }
    byte[] version = cursor.key();
    return Tables.isVersionOf(version, versions) && !Tables.isTombstoneVersion(version)
        ? RecordCodec.decode(cursor.value())
        : null;
  }

  private static long upTo(long revision) {
    return revision <= NEWEST ? Long.MAX_VALUE : revision;
  }

  static final class Shared extends CommittedKeys {

    private Shared(LevelDb db, Tables tables, LevelDb.Snapshot snapshot, StoreState state) {
      super(db, tables, snapshot, state);
    }

    @Override
    public @Nullable KeyValue get(byte[] key, long revision) {
      try (LevelDb.Cursor cursor = openCursor()) {
        return lookUp(cursor, key, revision);
      }
    }
  }

  static final class Writers extends CommittedKeys implements AutoCloseable {

    private LevelDb.@Nullable Cursor lookups;

    private Writers(LevelDb db, Tables tables, StoreState state) {
      super(db, tables, null, state);
    }

    @Override
    public @Nullable KeyValue get(byte[] key, long revision) {
      LevelDb.Cursor cursor = lookups;
      if (cursor == null) {
        cursor = openCursor();
        lookups = cursor;
      }
      return lookUp(cursor, key, revision);
    }

    @Override
    public void close() {
      LevelDb.Cursor cursor = lookups;
      lookups = null;
      if (cursor != null) {
        cursor.close();
      }
    }
  }
}
