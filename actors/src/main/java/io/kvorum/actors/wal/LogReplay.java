package io.kvorum.actors.wal;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.internal.LogRecord;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rebuilds a group's log from its records, in the order in which they were written. */
public final class LogReplay {
  private @Nullable LogIdentity identity;
  private HardState hardState = HardState.INITIAL;
  private LogPosition base = LogPosition.ZERO;
  private final ArrayList<Entry> entries = new ArrayList<>();
  private long lastIndexOfNewest;

  /**
   * Takes in the next record.
   *
   * @throws CorruptLogException if it does not continue the ones before
   */
  public void add(byte[] bytes, long sequenceNr) {
    LogRecord record;
    try {
      record = LogRecord.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw new CorruptLogException(
          "record " + sequenceNr + " of the write-ahead log cannot be read", e);
    }
    if (record.hasIdentity()) {
      identity = LogRecords.identity(record);
    }
    if (record.hasHardState()) {
      hardState = LogRecords.hardState(record);
    }
    List<Entry> added = LogRecords.entries(record);
    lastIndexOfNewest = added.isEmpty() ? 0 : added.getLast().index();
    append(added, sequenceNr);
    if (record.hasBase()) {
      if (record.getBase().getReplacesLog()) {
        entries.clear();
      }
      rebase(LogRecords.base(record));
    }
  }

  /** Index of the last entry in the record added last; 0 if it has none. */
  public long lastIndexOfNewest() {
    return lastIndexOfNewest;
  }

  private void append(List<Entry> added, long sequenceNr) {
    if (added.isEmpty()) {
      return;
    }
    long first = added.getFirst().index();
    if (!entries.isEmpty()) {
      long held = entries.getFirst().index();
      long end = entries.getLast().index();
      if (first > end + 1) {
        throw new CorruptLogException(
            "record "
                + sequenceNr
                + " of the write-ahead log begins with entry "
                + first
                + ", but the record before it ends with entry "
                + end,
            null);
      }
      int keep = (int) Math.max(0, Math.min(first - held, entries.size()));
      entries.subList(keep, entries.size()).clear();
    }
    entries.addAll(added);
  }

  private void rebase(LogPosition newBase) {
    base = newBase;
    int drop = 0;
    while (drop < entries.size() && entries.get(drop).index() <= newBase.index()) {
      drop++;
    }
    entries.subList(0, drop).clear();
  }

  /**
   * The log as it stands after the last record.
   *
   * @throws CorruptLogException if entries behind its beginning are missing
   */
  public RecoveredLog finish() {
    if (!entries.isEmpty() && entries.getFirst().index() != base.index() + 1) {
      throw new CorruptLogException(
          "the write-ahead log begins with entry "
              + entries.getFirst().index()
              + ", entry "
              + (base.index() + 1)
              + " is missing",
          null);
    }
    return new RecoveredLog(identity, hardState, base, List.copyOf(entries));
  }
}
