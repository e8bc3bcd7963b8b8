package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.LogEntry;
import io.kvorum.protocol.internal.LogRecord;
import java.util.ArrayList;
import java.util.List;

/** What a log on disk holds, as the records say that reached it: what a restart has to find. */
final class DurableLog {
  private HardState hardState = HardState.INITIAL;
  private LogPosition base = LogPosition.ZERO;
  private final ArrayList<Entry> entries = new ArrayList<>();

  HardState hardState() {
    return hardState;
  }

  /** Whether the entry is there, or was part of what a snapshot or truncation stands for. */
  boolean holds(long index, long term) {
    if (index <= base.index()) {
      return true;
    }
    long place = index - base.index() - 1;
    return place < entries.size() && entries.get((int) place).term() == term;
  }

  long lastIndex() {
    return base.index() + entries.size();
  }

  /** Takes a record in, and returns its entries. */
  List<Entry> add(LogRecord record) {
    if (record.hasHardState()) {
      hardState =
          new HardState(
              record.getHardState().getTerm(), new MemberId(record.getHardState().getVote()));
    }
    List<Entry> added = record.getEntriesList().stream().map(DurableLog::entry).toList();
    if (!added.isEmpty()) {
      int keep = (int) Math.max(0, added.getFirst().index() - base.index() - 1);
      if (keep < entries.size()) {
        entries.subList(keep, entries.size()).clear();
      }
      added.stream().filter(e -> e.index() > base.index()).forEach(entries::add);
    }
    if (record.hasBase()) {
      if (record.getBase().getReplacesLog()) {
        entries.clear();
      }
      base = new LogPosition(record.getBase().getIndex(), record.getBase().getTerm());
      entries.removeIf(e -> e.index() <= base.index());
    }
    return added;
  }

  private static Entry entry(LogEntry entry) {
    return new Entry(
        entry.getIndex(), entry.getTerm(), EntryKind.of(entry.getKind()), entry.getPayload());
  }

  boolean sameAs(RecoveredLog recovered) {
    return recovered.hardState().equals(hardState)
        && recovered.base().equals(base)
        && recovered.entries().equals(entries);
  }

  @Override
  public String toString() {
    return hardState + ", entries behind " + base + " up to " + lastIndex();
  }
}
