package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads past changes in their order: a walk over the revisions table, and one look-up for each put.
 */
final class HistoryReader {

  private final LevelDb db;
  private final Tables tables;
  private final LevelDb.Snapshot snapshot;
  private final List<RevisionEvents> revisions = new ArrayList<>();
  private List<Event> events = new ArrayList<>();
  private long main;
  private long bytes;

  private HistoryReader(LevelDb db, Tables tables, LevelDb.Snapshot snapshot) {
    this.db = db;
    this.tables = tables;
    this.snapshot = snapshot;
  }

  static History read(
      LevelDb db,
      Tables tables,
      LevelDb.Snapshot snapshot,
      long currentRevision,
      long fromRevision,
      int maxRevisions,
      long maxBytes) {
    if (fromRevision > currentRevision) {
      return new History(List.of(), fromRevision);
    }
    return new HistoryReader(db, tables, snapshot)
        .read(currentRevision, fromRevision, maxRevisions, maxBytes);
  }

  private History read(long currentRevision, long fromRevision, int maxRevisions, long maxBytes) {
    byte[] end = tables.revisionsEnd();
    try (LevelDb.Cursor cursor = db.cursor(snapshot, false)) {
      cursor.seek(tables.revisionsFrom(Math.max(fromRevision, 0)));
      for (; cursor.valid(); cursor.next()) {
        byte[] row = cursor.key();
        if (Arrays.compareUnsigned(row, end) >= 0) {
          break;
        }
        long next = Tables.mainOfRevision(row);
        if (next != main) {
          finishRevision();
          if (!revisions.isEmpty() && (revisions.size() >= maxRevisions || bytes >= maxBytes)) {
            return new History(revisions, next);
          }
          main = next;
        }
        addEvent(row, cursor.value());
      }
    }
    finishRevision();
    return new History(revisions, currentRevision + 1);
  }

  private void finishRevision() {
    if (!events.isEmpty()) {
      revisions.add(new RevisionEvents(main, events));
      events = new ArrayList<>();
    }
  }

  private void addEvent(byte[] row, byte[] key) {
    bytes += key.length;
    if (Tables.isTombstoneRevision(row)) {
      ByteString name = UnsafeByteOperations.unsafeWrap(key);
      events.add(
          Event.newBuilder()
              .setType(Event.EventType.DELETE)
              .setKv(KeyValue.newBuilder().setKey(name).setModRevision(main))
              .build());
      return;
    }
    long sub = Tables.subOfRevision(row);
    byte[] record = db.get(tables.version(key, main, sub, false), snapshot);
    if (record == null) {
      throw new StorageException(
          StorageException.Reason.CORRUPT,
          "keyspace in "
              + db.directory()
              + ": revision "
              + main
              + "_"
              + sub
              + " is listed but its record is missing");
    }
    bytes += record.length;
    events.add(
        Event.newBuilder().setType(Event.EventType.PUT).setKv(RecordCodec.decode(record)).build());
  }
}
