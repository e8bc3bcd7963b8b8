package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbSnapshot;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * A keyspace at rest, to look into: nothing is applied and no compaction goes on. Only what LevelDB
 * does itself when it opens a directory is done: a torn end of its log is cut off. Holds the
 * directory, so no server can run on it meanwhile. One thread.
 */
public final class KeyspaceInspection implements AutoCloseable {

  /**
   * How far it has come.
   *
   * @param compactedRevision the newest revision that a compaction was asked for; -1 for none
   * @param finishedCompaction the newest revision whose compaction is done; -1 for none
   * @param recordBytes what all stored records take, live and past
   * @param unfinishedInstall see {@link Keyspace#unfinishedInstall}
   */
  public record Figures(
      GroupId group,
      LogPosition applied,
      long revision,
      long compactedRevision,
      long finishedCompaction,
      long liveKeys,
      long recordBytes,
      Optional<LogPosition> unfinishedInstall) {}

  /**
   * A stored record.
   *
   * @param keyValue of a tombstone, the key alone
   */
  public record StoredRecord(long main, long sub, boolean tombstone, KeyValue keyValue) {}

  private final KeyspaceDirectory directory;
  private final Tables tables;
  private final LevelDb db;

  private KeyspaceInspection(KeyspaceDirectory directory, Tables tables, LevelDb db) {
    this.directory = directory;
    this.tables = tables;
    this.db = db;
  }

  /** Whether there is a keyspace, as far as the names of files tell. */
  public static boolean isOne(Path directory) {
    return Files.isDirectory(KeyspaceDirectory.firstGeneration(directory))
        || Files.exists(directory.resolve(KeyspaceDirectory.POINTER));
  }

  /**
   * @throws StorageException if it is in use, damaged, of a newer version, or no keyspace
   */
  public static KeyspaceInspection open(Path path, GroupId group, KeyspaceOptions options) {
    if (!isOne(path)) {
      throw new StorageException(StorageException.Reason.IO, "there is no keyspace in " + path);
    }
    KeyspaceDirectory directory = KeyspaceDirectory.open(path);
    LevelDb db = null;
    boolean opened = false;
    try {
      db = LevelDb.open(directory.current(), options.storage(), Recovery.KEEP_PREFIX);
      Tables tables = new Tables(group);
      byte[] format = db.get(tables.state(Store.FORMAT_NAME));
      if (format == null) {
        throw new StorageException(
            StorageException.Reason.IO,
            "there is no keyspace of group " + group.value() + " in " + path);
      }
      Store.requireFormat(format, path);
      opened = true;
      return new KeyspaceInspection(directory, tables, db);
    } finally {
      if (!opened) {
        if (db != null) {
          db.close();
        }
        directory.close();
      }
    }
  }

  private StoreState state() {
    byte[] stored = db.get(tables.state(StoreState.NAME));
    return stored == null ? StoreState.FRESH : StoreState.decode(stored);
  }

  public Figures figures() {
    StoreState state = state();
    byte[] stored = db.get(tables.state(CompactionState.NAME));
    CompactionState compaction =
        stored == null ? CompactionState.FRESH : CompactionState.decode(stored);
    return new Figures(
        tables.group(),
        state.applied(),
        state.revision(),
        state.compactedRevision(),
        compaction.finishedRevision(),
        state.liveKeys(),
        Math.max(0, state.recordBytesAdded() - compaction.recordBytesRemoved()),
        directory.unfinishedInstall());
  }

  /** What owners keep beside the data, by name. */
  public Map<String, byte[]> meta() {
    Map<String, byte[]> meta = new TreeMap<>();
    try (Cursor cursor = db.cursor(null, false)) {
      for (cursor.seek(tables.meta("")); cursor.valid(); cursor.next()) {
        byte[] row = cursor.key();
        if (!tables.isOfGroup(row) || !Tables.isMeta(row)) {
          break;
        }
        meta.put(Tables.nameIn(row), cursor.value());
      }
    }
    return meta;
  }

  /** Everything as it is stored. To be closed before this. */
  public KeyspaceExport export() {
    LevelDbSnapshot snapshot = db.snapshot();
    return new KeyspaceExport(
        db, snapshot, tables, state(), new CompactionHashes(), snapshot::close);
  }

  /**
   * Gives the records from one revision to another, both included, in their order, until {@code to}
   * has had enough and says false. What compactions have removed is not there any more.
   */
  public void records(long from, long last, Predicate<StoredRecord> to) {
    byte[] end = last == Long.MAX_VALUE ? tables.revisionsEnd() : tables.revisionsFrom(last + 1);
    try (Cursor cursor = db.cursor(null, false)) {
      cursor.seek(tables.revisionsFrom(Math.max(0, from)));
      for (; cursor.valid(); cursor.next()) {
        byte[] row = cursor.key();
        if (Arrays.compareUnsigned(row, end) >= 0) {
          break;
        }
        StoredRecord record =
            new StoredRecord(
                Tables.mainOfRevision(row),
                Tables.subOfRevision(row),
                Tables.isTombstoneRevision(row),
                RecordCodec.decode(cursor.value()));
        if (!to.test(record)) {
          break;
        }
      }
    }
  }

  /** Gives the live keys that begin with a prefix, in their order, until {@code to} says false. */
  public void keys(byte[] prefix, Predicate<KeyValue> to) {
    try (Cursor cursor = db.cursor(null, false)) {
      byte[] from = tables.current(prefix);
      for (cursor.seek(from); cursor.valid(); cursor.next()) {
        byte[] row = cursor.key();
        if (!startsWith(row, from) || !to.test(RecordCodec.decode(record(cursor.value())))) {
          break;
        }
      }
    }
  }

  private static boolean startsWith(byte[] row, byte[] prefix) {
    return row.length >= prefix.length
        && Arrays.equals(row, 0, prefix.length, prefix, 0, prefix.length);
  }

  private byte[] record(byte[] current) {
    if (!CurrentRow.isPointer(current)) {
      return current;
    }
    long main = CurrentRow.main(current);
    long sub = CurrentRow.sub(current);
    byte[] record = db.get(tables.revision(main, sub, false));
    if (record == null) {
      throw new StorageException(
          StorageException.Reason.CORRUPT,
          "the keyspace in "
              + directory.current()
              + " is damaged: the record of revision "
              + main
              + "/"
              + sub
              + " is missing");
    }
    return record;
  }

  @Override
  public void close() {
    db.close();
    directory.close();
  }
}
