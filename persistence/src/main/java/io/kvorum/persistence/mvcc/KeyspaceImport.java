package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/**
 * Makes a keyspace out of another store's records: takes them in the order of their revisions, as
 * etcd stores them, byte for byte. Before {@link #finish} the directory is no keyspace. No record
 * is kept in memory. One thread.
 */
public final class KeyspaceImport implements AutoCloseable {

  /** Rows are gathered up to this size before they are handed to LevelDB. */
  private static final long BATCH_BYTES = 256 << 10;

  /**
   * What was made.
   *
   * @param revision the newest revision
   * @param compactedRevision -1 if there was no compaction
   * @param liveKeys keys at the newest revision
   * @param records as many as are stored, live and past
   */
  public record Summary(long revision, long compactedRevision, long liveKeys, long records) {}

  private final Tables tables;
  private final LevelDb db;
  private LevelDb.Batch batch;
  private long newestMain = 1;
  private long newestSub = -1;
  private long recordBytes;
  private boolean leases;
  private long records;
  private boolean open = true;

  private KeyspaceImport(Tables tables, LevelDb db) {
    this.tables = tables;
    this.db = db;
    this.batch = db.batch();
  }

  /**
   * The revision that etcd's tool makes of the newest one when it is to raise it.
   *
   * @param newest of all records; 0 if there are none
   * @throws IllegalArgumentException if there is no such revision
   */
  public static long bumped(long newest, long bump) {
    if (bump < 0 || bump > Long.MAX_VALUE - 1 - newest) {
      throw new IllegalArgumentException(
          "revision " + newest + " cannot be raised by " + Long.toUnsignedString(bump));
    }
    return Math.max(1, newest + bump);
  }

  /**
   * @param directory of a keyspace to be; nothing may be in it
   * @throws io.kvorum.persistence.leveldb.StorageException if it cannot be used
   */
  public static KeyspaceImport into(Path directory, GroupId group, KeyspaceOptions options) {
    LevelDb db =
        LevelDb.open(
            KeyspaceDirectory.firstGeneration(directory), options.storage(), Recovery.REFUSE_LOSS);
    return new KeyspaceImport(new Tables(group), db);
  }

  /**
   * The next record.
   *
   * @param key of {@code record}
   * @param record as etcd stores it; of a tombstone, the key alone
   * @throws IllegalArgumentException if it does not come behind the one before
   */
  public void add(long main, long sub, boolean tombstone, byte[] key, byte[] record) {
    if (main < newestMain || (main == newestMain && sub <= newestSub)) {
      throw new IllegalArgumentException(
          "revision %d/%d comes behind %d/%d".formatted(main, sub, newestMain, newestSub));
    }
    newestMain = main;
    newestSub = sub;
    int bytes = Tables.storedKeyBytes(tombstone) + record.length;
    recordBytes += bytes;
    records++;
    batch.put(tables.revision(main, sub, tombstone), record);
    batch.put(tables.version(key, main, sub, tombstone), RecordCodec.encodeSize(bytes));
    if (tombstone) {
      batch.delete(tables.current(key));
    } else {
      batch.put(tables.current(key), CurrentRow.encode(main, sub, record));
    }
    if (batch.bytes() >= BATCH_BYTES) {
      flush();
    }
  }

  /** A lease; its keys are those whose newest records name it. In any order, before the end. */
  public void addLease(StoredLease lease) {
    leases = true;
    batch.put(tables.lease(lease.id()), lease.encode());
    if (batch.bytes() >= BATCH_BYTES) {
      flush();
    }
  }

  private void flush() {
    db.write(batch, false);
    batch.close();
    batch = db.batch();
  }

  /**
   * All records are there: makes them a keyspace, durably.
   *
   * @param at the log position that stands for all of it
   * @param leastRevision the newest revision is this, if no record has a newer one
   * @param compactionAsked the newest revision that a compaction was asked for; -1 for none. What
   *     of it is not done is done when the keyspace is opened
   * @param compactionFinished the newest revision whose compaction was finished; -1 for none
   * @param meta what the owner of the group keeps here
   */
  public Summary finish(
      LogPosition at,
      long leastRevision,
      long compactionAsked,
      long compactionFinished,
      Map<String, byte[]> meta) {
    flush();
    Summary summary =
        new Summary(
            Math.max(newestMain, leastRevision), compactionAsked, attachAndCountCurrent(), records);
    StoreState state =
        new StoreState(
            at, summary.revision(), compactionAsked, summary.liveKeys(), recordBytes, recordBytes);
    meta.forEach((name, value) -> batch.put(tables.meta(name), value));
    batch.put(
        tables.state(CompactionState.NAME), new CompactionState(compactionFinished, 0, 0).encode());
    batch.put(tables.state(Store.FORMAT_NAME), Store.format());
    flush();
    db.sync();
    batch.put(tables.state(StoreState.NAME), state.encode());
    db.write(batch, true);
    close();
    return summary;
  }

  private long attachAndCountCurrent() {
    LeaseRows granted = new LeaseRows(db, tables, null);
    long keys = 0;
    byte[] end = tables.currentEnd();
    try (Cursor cursor = db.cursor(null, false)) {
      for (cursor.seek(tables.current(new byte[0])); cursor.valid(); cursor.next()) {
        byte[] row = cursor.key();
        if (Arrays.compareUnsigned(row, end) >= 0) {
          break;
        }
        keys++;
        if (leases) {
          attach(Tables.userKeyOfCurrent(row), recordOfCurrent(cursor.value()), granted);
        }
      }
    }
    return keys;
  }

  private void attach(byte[] key, KeyValue record, LeaseRows granted) {
    long lease = record.getLease();
    if (lease != 0 && granted.get(lease) != null) {
      batch.put(tables.attachment(lease, key), new byte[0]);
      if (batch.bytes() >= BATCH_BYTES) {
        flush();
      }
    }
  }

  private KeyValue recordOfCurrent(byte[] value) {
    byte[] record =
        CurrentRow.isPointer(value)
            ? db.get(tables.revision(CurrentRow.main(value), CurrentRow.sub(value), false))
            : value;
    if (record == null) {
      throw new IllegalStateException("a record that was written is not there");
    }
    return RecordCodec.decode(record);
  }

  @Override
  public void close() {
    if (open) {
      open = false;
      batch.close();
      db.close();
    }
  }
}
