package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.Ports;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.actors.wal.LogRecords;
import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.internal.LogRecord;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Stands for the actor that owns a group's log, which needs an actor system: gathers writes while
 * two records are on their way to the disk, joins them into one, drops records behind a compaction
 * and replaces all by a snapshot's base. The records are those of production, and so is their
 * replay.
 */
final class LogWriter implements Ports.Wal {
  private static final int MAX_WRITES_IN_FLIGHT = 2;

  record RecordEnd(long number, long lastIndex) {}

  private record Write(HardState hardState, List<Entry> entries, List<Ports.Envelope> release) {}

  private final LogDisk disk;
  private final Consumer<Runnable> process;
  private final Consumer<ReplicaMessage.Persisted> persisted;
  private final ArrayDeque<RecordEnd> recordEnds;
  private final List<Write> gathered = new ArrayList<>();
  private final @Nullable LogIdentity identity;
  private HardState hardState;
  private LogPosition base;
  private LogPosition last;
  private int writesInFlight;
  private boolean stopped;

  /**
   * @param process runs what the process does when it hears of its disk
   */
  LogWriter(
      LogDisk disk,
      RecoveredLog recovered,
      Consumer<Runnable> process,
      Consumer<ReplicaMessage.Persisted> persisted) {
    this.disk = disk;
    this.process = process;
    this.persisted = persisted;
    this.recordEnds = new ArrayDeque<>(disk.recordEnds());
    this.identity = recovered.identity();
    this.hardState = recovered.hardState();
    this.base = recovered.base();
    this.last = recovered.last();
  }

  /** The disk refused a record: this writer takes and answers nothing more. */
  void stop() {
    stopped = true;
    gathered.clear();
  }

  @Override
  public void write(HardState state, List<Entry> entries, List<Ports.Envelope> release) {
    if (!stopped) {
      gathered.add(new Write(state, entries, release));
      writeGathered();
    }
  }

  private void writeGathered() {
    while (writesInFlight < MAX_WRITES_IN_FLIGHT && !gathered.isEmpty()) {
      writeRecord();
    }
  }

  private void writeRecord() {
    LogRecord.Builder record = LogRecord.newBuilder();
    List<Entry> entries = new ArrayList<>();
    List<Ports.Envelope> release = new ArrayList<>();
    HardState newest = hardState;
    for (Write write : gathered) {
      newest = write.hardState();
      release.addAll(write.release());
      if (!write.entries().isEmpty()) {
        long first = write.entries().getFirst().index();
        entries.removeIf(e -> e.index() >= first);
        entries.addAll(write.entries());
      }
    }
    gathered.clear();
    if (!newest.equals(hardState)) {
      hardState = newest;
      LogRecords.put(record, newest);
    }
    entries.forEach(e -> LogRecords.put(record, e));
    if (!entries.isEmpty()) {
      last = entries.getLast().position();
    }
    var answer = new ReplicaMessage.Persisted(newest, last, List.copyOf(release));
    persist(record, entries.isEmpty() ? 0 : last.index(), () -> persisted.accept(answer));
  }

  private void persist(LogRecord.Builder record, long lastIndex, Runnable then) {
    writesInFlight++;
    long[] number = new long[1];
    number[0] =
        disk.write(
            record.build(),
            () ->
                process.accept(
                    () -> {
                      then.run();
                      recordEnds.addLast(new RecordEnd(number[0], lastIndex));
                      writesInFlight--;
                      writeGathered();
                    }));
  }

  @Override
  public void compact(LogPosition newBase) {
    if (stopped) {
      return;
    }
    long droppable = 0;
    while (!recordEnds.isEmpty() && recordEnds.getFirst().lastIndex() <= newBase.index()) {
      droppable = recordEnds.removeFirst().number();
    }
    if (droppable == 0) {
      return;
    }
    long upTo = droppable;
    base = newBase;
    persist(beginning(newBase, false), 0, () -> disk.drop(upTo));
  }

  /** A snapshot has taken the place of the log. */
  void replace(LogPosition newBase, Runnable replaced) {
    if (stopped) {
      return;
    }
    while (!gathered.isEmpty()) {
      writeRecord();
    }
    base = newBase;
    last = base;
    long[] number = new long[1];
    writesInFlight++;
    number[0] =
        disk.write(
            beginning(newBase, true).build(),
            () ->
                process.accept(
                    () -> {
                      recordEnds.clear();
                      recordEnds.addLast(new RecordEnd(number[0], 0));
                      writesInFlight--;
                      replaced.run();
                      disk.drop(number[0] - 1);
                      writeGathered();
                    }));
  }

  private LogRecord.Builder beginning(LogPosition at, boolean replacesLog) {
    LogRecord.Builder record = LogRecord.newBuilder();
    if (identity != null) {
      LogRecords.put(record, identity);
    }
    LogRecords.put(record, hardState);
    if (replacesLog) {
      LogRecords.putReplacement(record, at);
    } else {
      LogRecords.put(record, at);
    }
    return record;
  }
}
