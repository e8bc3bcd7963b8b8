package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.wal.LogReplay;
import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.protocol.internal.LogRecord;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/**
 * The disk that a member's log lies on. Records are synced one after the other, each after a while;
 * a crash loses those that are not, but for some at the front that had reached the disk without
 * anybody being told, and one torn record, which its checksum gives away. A failing disk refuses a
 * record, and may hold it all the same.
 */
final class LogDisk {
  private record Stored(long number, byte[] bytes) {}

  private record Pending(long number, LogRecord record, Runnable synced) {}

  private final Agenda agenda;
  private final SplittableRandom random;
  private final BiConsumer<LogRecord, List<Entry>> onDurable;
  private final ArrayList<Stored> records = new ArrayList<>();
  private final ArrayDeque<Pending> pending = new ArrayDeque<>();
  private final DurableLog content = new DurableLog();
  private Runnable onFailure = () -> {};
  private UnaryOperator<LogRecord> kept = UnaryOperator.identity();
  private long numbers;
  private long minSyncMicros;
  private long maxSyncMicros;
  private boolean failing;
  private boolean lying;

  /** Grows when what is on its way to the disk is lost. */
  private int life;

  /**
   * @param onDurable told of each record that has reached the disk
   */
  LogDisk(Agenda agenda, SplittableRandom random, BiConsumer<LogRecord, List<Entry>> onDurable) {
    this.agenda = agenda;
    this.random = random;
    this.onDurable = onDurable;
    syncTakes(1000, 1000);
  }

  void syncTakes(long minMicros, long maxMicros) {
    minSyncMicros = minMicros;
    maxSyncMicros = maxMicros;
  }

  void failing(boolean now) {
    failing = now;
  }

  /** Who is told when the disk refuses a record; everything behind it is refused as well. */
  void onFailure(Runnable told) {
    onFailure = told;
  }

  DurableLog content() {
    return content;
  }

  /** Puts a first record there at once. */
  void format(LogRecord record) {
    store(new Pending(++numbers, record, () -> {}));
  }

  /** From now on the disk says that it has synced what it has only taken. */
  void lies() {
    lying = true;
  }

  /** From now on the disk keeps something else than it is given. */
  void keeps(UnaryOperator<LogRecord> other) {
    kept = other;
  }

  /** Hands a record to the disk and returns its number. */
  long write(LogRecord record, Runnable synced) {
    long number = ++numbers;
    pending.addLast(new Pending(number, kept.apply(record), lying ? () -> {} : synced));
    if (lying) {
      int now = life;
      agenda.in(
          0,
          () -> {
            if (now == life) {
              synced.run();
            }
          });
    }
    if (pending.size() == 1) {
      sync();
    }
    return number;
  }

  private void sync() {
    int begun = life;
    long spread = maxSyncMicros - minSyncMicros;
    long micros = minSyncMicros + (spread > 0 ? random.nextLong(spread) : 0);
    agenda.in(
        micros,
        () -> {
          if (begun == life) {
            synced();
          }
        });
  }

  private void synced() {
    Pending done = pending.removeFirst();
    if (failing) {
      if (random.nextBoolean()) {
        store(done);
      }
      lose();
      onFailure.run();
      return;
    }
    store(done);
    if (!pending.isEmpty()) {
      sync();
    }
    done.synced().run();
  }

  private void store(Pending done) {
    records.add(new Stored(done.number(), done.record().toByteArray()));
    onDurable.accept(done.record(), content.add(done.record()));
  }

  private void lose() {
    life++;
    pending.clear();
  }

  /** The process is gone. */
  void crash() {
    int survive = pending.isEmpty() ? 0 : random.nextInt(pending.size() + 1);
    for (int i = 0; i < survive; i++) {
      store(pending.removeFirst());
    }
    lose();
    onFailure = () -> {};
  }

  /** The records up to this number are not needed any more. */
  void drop(long upTo) {
    records.removeIf(r -> r.number() <= upTo);
  }

  /** Reads the log back as a starting process does. */
  RecoveredLog recover() {
    LogReplay replay = new LogReplay();
    records.forEach(r -> replay.add(r.bytes(), r.number()));
    RecoveredLog recovered = replay.finish();
    Violation.check(
        content.sameAs(recovered),
        "recovery",
        () -> "the disk holds " + content + ", its replay gave " + recovered);
    return recovered;
  }

  /** The numbers of the records, each with the last entry that it holds, 0 if none. */
  List<LogWriter.RecordEnd> recordEnds() {
    LogReplay replay = new LogReplay();
    List<LogWriter.RecordEnd> ends = new ArrayList<>();
    for (Stored record : records) {
      replay.add(record.bytes(), record.number());
      ends.add(new LogWriter.RecordEnd(record.number(), replay.lastIndexOfNewest()));
    }
    return ends;
  }
}
