package io.kvorum.persistence.wal;

import static io.kvorum.persistence.wal.WalFormat.EVENTS;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbSnapshot;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.wal.WalFormat.DamagedEventException;
import io.kvorum.persistence.wal.WalFormat.Event;
import java.util.Map;
import java.util.NavigableMap;

/**
 * Reads a log's events in order, one at a time, and refuses to go on where one is damaged or
 * missing.
 */
final class WalReplay implements AutoCloseable {

  /** Receives the events. */
  interface Sink {
    void accept(long sequence, String writer, Event event);
  }

  private final LevelDb db;
  private final LevelDbSnapshot snapshot;
  private final String persistenceId;
  private final int number;
  private final long first;
  private final long last;
  private final long max;
  private final NavigableMap<Long, String> writers;

  WalReplay(
      LevelDb db,
      String persistenceId,
      int number,
      long first,
      long last,
      long max,
      NavigableMap<Long, String> writers) {
    this.db = db;
    this.snapshot = db.snapshot();
    this.persistenceId = persistenceId;
    this.number = number;
    this.first = first;
    this.last = last;
    this.max = max;
    this.writers = writers;
  }

  /**
   * @throws StorageException at a damaged or missing event; those before it have been given to
   *     {@code sink}
   */
  void run(Sink sink) {
    if (first > last || max <= 0) {
      return;
    }
    try (Cursor cursor = db.cursor(snapshot, false)) {
      cursor.seek(WalFormat.key(EVENTS, number, first));
      long given = 0;
      for (long expected = first; expected <= last && given < max; expected++) {
        Event event = event(cursor, expected);
        if (!event.rejected()) {
          Map.Entry<Long, String> writer = writers.floorEntry(expected);
          sink.accept(expected, writer == null ? "" : writer.getValue(), event);
          given++;
        }
        cursor.next();
      }
    }
  }

  private Event event(Cursor cursor, long expected) {
    if (!cursor.valid()) {
      throw damaged(expected, "is missing, and so are all behind it");
    }
    byte[] key = cursor.key();
    if (!WalFormat.belongs(key, EVENTS, number)) {
      throw damaged(expected, "is missing, and so are all behind it");
    }
    long found = WalFormat.sequenceOf(key);
    if (found != expected) {
      throw damaged(expected, "is missing, the next one there is " + found);
    }
    try {
      return WalFormat.decode(key, cursor.value());
    } catch (DamagedEventException e) {
      throw damaged(expected, "is damaged: " + e.getMessage());
    }
  }

  private StorageException damaged(long sequence, String what) {
    return new StorageException(
        StorageException.Reason.CORRUPT,
        "the log of "
            + persistenceId
            + " in "
            + db.directory()
            + " cannot be read: event "
            + sequence
            + " "
            + what
            + ". "
            + Recovery.REFUSE_LOSS.whatToDo());
  }

  @Override
  public void close() {
    snapshot.close();
  }
}
