package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbSnapshot;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads past changes in their order: one walk over the revisions table, which leaves the block
 * cache to others.
 */
final class HistoryReader {

  private HistoryReader() {}

  static History read(
      LevelDb db,
      Tables tables,
      LevelDbSnapshot snapshot,
      long currentRevision,
      long fromRevision,
      int maxRevisions,
      long maxBytes) {
    if (fromRevision > currentRevision) {
      return new History(List.of(), fromRevision);
    }
    List<RevisionEvents> revisions = new ArrayList<>();
    List<Event> events = new ArrayList<>();
    long main = 0;
    long bytes = 0;
    byte[] end = tables.revisionsEnd();
    try (Cursor cursor = db.cursor(snapshot, false)) {
      cursor.seek(tables.revisionsFrom(Math.max(fromRevision, 0)));
      for (; cursor.valid(); cursor.next()) {
        byte[] row = cursor.key();
        if (Arrays.compareUnsigned(row, end) >= 0) {
          break;
        }
        long next = Tables.mainOfRevision(row);
        if (next != main && !events.isEmpty()) {
          revisions.add(new RevisionEvents(main, events));
          events = new ArrayList<>();
          if (revisions.size() >= maxRevisions || bytes >= maxBytes) {
            return new History(revisions, next);
          }
        }
        main = next;
        byte[] record = cursor.value();
        bytes += record.length;
        events.add(event(row, RecordCodec.decode(record)));
      }
    }
    if (!events.isEmpty()) {
      revisions.add(new RevisionEvents(main, events));
    }
    return new History(revisions, currentRevision + 1);
  }

  private static Event event(byte[] row, KeyValue record) {
    if (!Tables.isTombstoneRevision(row)) {
      return Event.newBuilder().setType(Event.EventType.PUT).setKv(record).build();
    }
    return Event.newBuilder()
        .setType(Event.EventType.DELETE)
        .setKv(
            KeyValue.newBuilder()
                .setKey(record.getKey())
                .setModRevision(Tables.mainOfRevision(row)))
        .build();
  }
}
