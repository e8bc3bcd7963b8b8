package io.kvorum.actors.wal;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.persistence.wal.WalAtRest;
import io.kvorum.persistence.wal.WalRecord;
import io.kvorum.persistence.wal.WalSettings;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.internal.LogEntry;
import io.kvorum.protocol.internal.LogRecord;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Predicate;

/**
 * A group's log while no server uses it, to look into and to mend. Entries that later records
 * replaced are left out. It is read twice: first for where each entry lies, then for the entries
 * themselves, of which one record is held at a time. One thread.
 */
public final class LogAtRest implements AutoCloseable {
  private final WalAtRest wal;
  private final RecoveredLog places;

  private LogAtRest(WalAtRest wal, RecoveredLog places) {
    this.wal = wal;
    this.places = places;
  }

  /**
   * @throws io.kvorum.persistence.leveldb.StorageException if the directory is in use, damaged, or
   *     holds no log of the group
   * @throws CorruptLogException if its records do not fit together
   */
  public static LogAtRest open(WalSettings settings, GroupId group) {
    WalAtRest wal = WalAtRest.open(settings, WalActor.persistenceId(group));
    boolean opened = false;
    try {
      LogReplay replay = new LogReplay();
      wal.read(0, (sequence, record) -> replay.add(placesIn(record.bytes(), sequence), sequence));
      RecoveredLog places = replay.finish();
      opened = true;
      return new LogAtRest(wal, places);
    } finally {
      if (!opened) {
        wal.close();
      }
    }
  }

  /** The record with, in place of each entry's payload, the number of the record. */
  private static byte[] placesIn(byte[] bytes, long sequence) {
    LogRecord.Builder record = parse(bytes, sequence).toBuilder();
    ByteString place =
        ByteString.copyFrom(ByteBuffer.allocate(Long.BYTES).putLong(0, sequence).array());
    record.getEntriesBuilderList().forEach(entry -> entry.setPayload(place));
    return record.build().toByteArray();
  }

  private static LogRecord parse(byte[] bytes, long sequence) {
    try {
      return LogRecord.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw new CorruptLogException(
          "record " + sequence + " of the write-ahead log cannot be read", e);
    }
  }

  /** The log without what entries hold: their payloads mean nothing. */
  public RecoveredLog outline() {
    return places;
  }

  /** Gives the entries from an index on, in their order, until {@code to} says false. */
  public void entries(long fromIndex, Predicate<Entry> to) {
    List<Entry> wanted =
        places.entries().stream().filter(entry -> entry.index() >= fromIndex).toList();
    if (wanted.isEmpty()) {
      return;
    }
    Walk walk = new Walk(wanted, to);
    wal.read(placeOf(wanted.getFirst()), walk::record);
  }

  private static long placeOf(Entry entry) {
    return entry.payload().asReadOnlyByteBuffer().getLong();
  }

  /** Entries lie in the order of their records: who replaces one replaces all behind it. */
  private static final class Walk {
    private final List<Entry> wanted;
    private final Predicate<Entry> to;
    private int next;
    private boolean enough;

    private Walk(List<Entry> wanted, Predicate<Entry> to) {
      this.wanted = wanted;
      this.to = to;
    }

    private void record(long sequence, WalRecord record) {
      if (!isDue(sequence)) {
        return;
      }
      for (LogEntry entry : parse(record.bytes(), sequence).getEntriesList()) {
        if (isDue(sequence) && wanted.get(next).index() == entry.getIndex()) {
          Entry place = wanted.get(next++);
          enough =
              !to.test(new Entry(place.index(), place.term(), place.kind(), entry.getPayload()));
        }
      }
    }

    private boolean isDue(long sequence) {
      return !enough && next < wanted.size() && placeOf(wanted.get(next)) == sequence;
    }
  }

  /** Writes what the member knows of terms and votes from now on, durably. */
  public void append(HardState hardState) {
    LogRecord.Builder record = LogRecord.newBuilder();
    LogRecords.put(record, hardState);
    wal.append(new WalRecord(record.build().toByteArray()));
  }

  @Override
  public void close() {
    wal.close();
  }
}
