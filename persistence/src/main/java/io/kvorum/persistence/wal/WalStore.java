package io.kvorum.persistence.wal;

import static io.kvorum.persistence.wal.WalFormat.EVENTS;
import static io.kvorum.persistence.wal.WalFormat.WRITERS;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.wal.WalFormat.Event;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * The logs of all persistence ids in one LevelDB. Changes are gathered in a batch, over any number
 * of logs, until {@link #commit} writes and syncs them as one. For the writer thread alone, but for
 * {@link #close} and for what {@link #replay} returns.
 *
 * <p>Sequence numbers of a log have no gaps: what would leave one, or write over an event, is
 * refused here, and so a number missing at replay is damage.
 *
 * <p>After a failed commit the logs that it touched are forgotten and read again from the disk. If
 * the failure came from LevelDB and not from too little space, {@link LevelDb} refuses every later
 * write, so nothing is acknowledged on top of an unknown state; only opening the directory anew,
 * with its checks, brings writes back.
 */
final class WalStore implements AutoCloseable {

  /**
   * Deleted events leave the store in portions of this many, each in one batch, so that no write
   * waits long behind them.
   */
  private static final int CLEANED_EVENTS_PER_BATCH = 2_000;

  /** An event of a log. */
  record Numbered(long sequence, Event event) {}

  private final LevelDb db;
  private final WalSettings settings;
  private final WalMetrics metrics;
  private final WalCompaction compaction;
  private final Map<String, WalLog> logs = new HashMap<>();
  private final Deque<WalLog> cleaning = new ArrayDeque<>();
  private int nextNumber;

  private LevelDb.@Nullable Batch batch;
  private final Set<WalLog> touched = new HashSet<>();
  private int batchEvents;

  /** The last batch was refused because the disk is full. */
  private boolean shortOfSpace;

  /** Logs whose last deleted event leaves the store with this batch. */
  private final List<WalLog> cleaned = new ArrayList<>();

  private WalStore(LevelDb db, WalSettings settings, WalMetrics metrics) {
    this.db = db;
    this.settings = settings;
    this.metrics = metrics;
    this.compaction = new WalCompaction(db, settings.compactAfterBytes());
  }

  /**
   * @throws StorageException if the directory cannot be used or its content not be trusted
   */
  static WalStore open(WalSettings settings, WalMetrics metrics) {
    LevelDb db =
        LevelDb.open(
            settings.directory(),
            settings.levelDb(),
            settings.unsafeNoFsync() ? Recovery.KEEP_PREFIX : Recovery.REFUSE_LOSS);
    WalStore store = new WalStore(db, settings, metrics);
    boolean ready = false;
    try {
      store.checkFormat();
      store.nextNumber = store.highestNumber() + 1;
      ready = true;
      return store;
    } finally {
      if (!ready) {
        store.close();
      }
    }
  }

  private void checkFormat() {
    byte[] format = db.get(WalFormat.FORMAT_KEY);
    if (format == null) {
      try (LevelDb.Batch first = db.batch()) {
        first.put(WalFormat.FORMAT_KEY, new byte[] {WalFormat.FORMAT});
        db.write(first, !settings.unsafeNoFsync());
      }
    } else if (format.length != 1 || format[0] != WalFormat.FORMAT) {
      throw new StorageException(
          StorageException.Reason.CORRUPT,
          "the log in "
              + db.directory()
              + " has format "
              + (format.length == 1 ? format[0] : "?")
              + " and this program knows "
              + WalFormat.FORMAT
              + ". Use the version of Kvorum that wrote it");
    }
  }

  private int highestNumber() {
    int highest = 0;
    try (Cursor cursor = db.cursor(null)) {
      for (cursor.seek(new byte[] {WalFormat.PERSISTENCE_IDS}); cursor.valid(); cursor.next()) {
        if (cursor.key()[0] != WalFormat.PERSISTENCE_IDS) {
          break;
        }
        highest = Math.max(highest, ByteBuffer.wrap(cursor.value()).getInt());
      }
    }
    return highest;
  }

  /** What is known of a persistence id, from memory or from the disk. */
  WalLog log(String persistenceId) {
    WalLog known = logs.get(persistenceId);
    if (known != null) {
      return known;
    }
    WalLog log = load(persistenceId);
    logs.put(persistenceId, log);
    return log;
  }

  private WalLog load(String persistenceId) {
    byte[] number = db.get(WalFormat.persistenceIdKey(persistenceId));
    if (number == null) {
      return new WalLog(persistenceId, nextNumber++);
    }
    WalLog log = new WalLog(persistenceId, ByteBuffer.wrap(number).getInt());
    log.registered = true;
    byte[] deletedTo = db.get(WalFormat.deletedKey(log.number));
    log.deletedTo = deletedTo == null ? 0 : ByteBuffer.wrap(deletedTo).getLong();
    log.storedDeletedTo = log.deletedTo;
    log.cleanedTo = log.deletedTo;
    try (Cursor cursor = db.cursor(null)) {
      for (cursor.seek(WalFormat.key(WRITERS, log.number, 0)); cursor.valid(); cursor.next()) {
        byte[] key = cursor.key();
        if (!WalFormat.belongs(key, WRITERS, log.number)) {
          break;
        }
        log.writers.put(WalFormat.sequenceOf(key), new String(cursor.value(), UTF_8));
      }
      log.highest = Math.max(log.deletedTo, highestEvent(cursor, log));
      long first = eventFrom(cursor, log.number, 0);
      if (first >= 0 && first <= log.deletedTo) {
        // The process ended before the deleted events were all gone.
        log.cleanedTo = first - 1;
        cleaning.add(log);
      }
    }
    return log;
  }

  /**
   * The highest stored sequence number, or 0. Found with seeks only, first in growing steps and
   * then by halving: not every LevelDB can step backwards.
   */
  private static long highestEvent(Cursor cursor, WalLog log) {
    long found = eventFrom(cursor, log.number, log.deletedTo + 1);
    if (found < 0) {
      return 0;
    }
    long low = found;
    long step = 1;
    while (low < Long.MAX_VALUE - step
        && (found = eventFrom(cursor, log.number, low + step)) >= 0) {
      low = found;
      step *= 2;
    }
    long high = low < Long.MAX_VALUE - step ? low + step : Long.MAX_VALUE;
    while (low + 1 < high) {
      long middle = low + (high - low) / 2;
      found = eventFrom(cursor, log.number, middle);
      if (found >= 0) {
        low = found;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** The sequence number of the first event at or behind {@code sequence}, or -1. */
  private static long eventFrom(Cursor cursor, int number, long sequence) {
    cursor.seek(WalFormat.key(EVENTS, number, sequence));
    if (!cursor.valid()) {
      return -1;
    }
    byte[] key = cursor.key();
    return WalFormat.belongs(key, EVENTS, number) ? WalFormat.sequenceOf(key) : -1;
  }

  /**
   * Adds events to the batch; all or, if this throws, none of them.
   *
   * @param events with sequence numbers that go on from the log's highest
   * @throws IllegalStateException if they do not: two writers use one persistence id
   */
  void append(WalLog log, String writer, List<Numbered> events) {
    if (events.isEmpty()) {
      return;
    }
    requireContinuous(log, events);
    LevelDb.Batch target = target(log);
    if (!log.registered) {
      target.put(
          WalFormat.persistenceIdKey(log.persistenceId),
          ByteBuffer.allocate(4).putInt(log.number).array());
      log.registered = true;
    }
    long first = events.getFirst().sequence();
    if (log.isEmpty() && first > 1) {
      // The events before are held elsewhere, in a snapshot. For this log they are deleted ones.
      putDeletedTo(target, log, first - 1);
      log.cleanedTo = log.deletedTo;
    }
    if (!writer.equals(log.lastWriter())) {
      target.put(WalFormat.key(WRITERS, log.number, first), writer.getBytes(UTF_8));
      log.writers.put(first, writer);
    }
    for (Numbered event : events) {
      byte[] key = WalFormat.key(EVENTS, log.number, event.sequence());
      target.put(key, WalFormat.encode(key, event.event()));
    }
    log.highest = events.getLast().sequence();
    batchEvents += events.size();
  }

  private static void requireContinuous(WalLog log, List<Numbered> events) {
    long next = log.isEmpty() ? events.getFirst().sequence() : log.highest + 1;
    for (Numbered event : events) {
      if (event.sequence() != next || next < 1) {
        throw new IllegalStateException(
            "event "
                + event.sequence()
                + " of "
                + log.persistenceId
                + " does not follow on "
                + log.highest
                + ": more than one writer uses this persistence id");
      }
      next++;
    }
  }

  /**
   * Hides the events up to {@code sequence} from readers once the batch is committed; later batches
   * then remove them. The highest sequence number stays.
   */
  void delete(WalLog log, long sequence) {
    long to = Math.min(sequence, log.highest);
    if (to <= log.deletedTo) {
      return;
    }
    LevelDb.Batch target = target(log);
    boolean clean = log.cleanedTo == log.deletedTo;
    putDeletedTo(target, log, to);
    Long oldestNeeded = log.writers.floorKey(to + 1);
    while (oldestNeeded != null && log.writers.firstKey() < oldestNeeded) {
      target.delete(WalFormat.key(WRITERS, log.number, log.writers.pollFirstEntry().getKey()));
    }
    if (clean) {
      cleaning.add(log);
    }
  }

  private static void putDeletedTo(LevelDb.Batch target, WalLog log, long to) {
    target.put(WalFormat.deletedKey(log.number), ByteBuffer.allocate(8).putLong(to).array());
    log.deletedTo = to;
  }

  private LevelDb.Batch target(WalLog log) {
    touched.add(log);
    LevelDb.Batch open = batch;
    if (open == null) {
      open = db.batch();
      batch = open;
    }
    return open;
  }

  /** Whether the batch should be committed without waiting for more. */
  boolean batchIsFull() {
    return batch != null
        && (batchEvents >= settings.maxBatchRecords() || batch.bytes() >= settings.maxBatchBytes());
  }

  /** Whether {@link #commit} has anything to do. */
  boolean hasWork() {
    return batch != null || !cleaning.isEmpty();
  }

  /**
   * Writes and syncs the batch, with a portion of the deleted events. All of it is durable when
   * this returns.
   *
   * @throws StorageException if it failed; the batch is dropped
   */
  void commit() {
    boolean eventsWait = batch != null;
    if (shortOfSpace && batchEvents > 0) {
      cleanApart();
    } else {
      cleanSome();
    }
    LevelDb.Batch full = batch;
    if (full == null) {
      return;
    }
    int events = batchEvents;
    boolean written = false;
    try (full) {
      long start = System.nanoTime();
      if (events > 0) {
        db.write(full, !settings.unsafeNoFsync());
      } else {
        db.writeReclaiming(full, !settings.unsafeNoFsync());
      }
      written = true;
      shortOfSpace = false;
      touched.forEach(log -> log.storedDeletedTo = log.deletedTo);
      cleaned.forEach(log -> compaction.consider(log.number, log.deletedTo));
      if (eventsWait) {
        metrics.fsync(System.nanoTime() - start, events, full.bytes());
      }
    } catch (StorageException e) {
      metrics.failed(e);
      if (e.reason() == StorageException.Reason.FULL) {
        shortOfSpace = true;
        touched.forEach(log -> compaction.considerNow(log.number, log.storedDeletedTo));
      }
      throw e;
    } finally {
      if (!written) {
        forget();
      }
      batch = null;
      batchEvents = 0;
      touched.clear();
      cleaned.clear();
    }
  }

  private void forget() {
    for (WalLog log : touched) {
      logs.remove(log.persistenceId, log);
      cleaning.remove(log);
    }
  }

  /**
   * On a full disk the deleted events must go before new ones come, and so not in one batch with
   * them, which would be refused for ever. Their deletion must be stored already.
   */
  private void cleanApart() {
    Map<WalLog, Long> cleanedTo = new HashMap<>();
    try (LevelDb.Batch apart = db.batch()) {
      int left = CLEANED_EVENTS_PER_BATCH;
      for (WalLog log : cleaning) {
        long to = Math.min(log.storedDeletedTo, log.cleanedTo + left);
        for (long sequence = log.cleanedTo + 1; sequence <= to; sequence++) {
          apart.delete(WalFormat.key(EVENTS, log.number, sequence));
          left--;
        }
        cleanedTo.put(log, to);
      }
      db.writeReclaiming(apart, !settings.unsafeNoFsync());
    } catch (StorageException e) {
      metrics.failed(e);
      return;
    }
    cleanedTo.forEach((log, to) -> log.cleanedTo = to);
    cleaning.removeIf(log -> log.cleanedTo == log.deletedTo);
  }

  private void cleanSome() {
    int left = CLEANED_EVENTS_PER_BATCH;
    while (left > 0 && !cleaning.isEmpty()) {
      WalLog log = cleaning.getFirst();
      LevelDb.Batch target = target(log);
      while (left > 0 && log.cleanedTo < log.deletedTo) {
        target.delete(WalFormat.key(EVENTS, log.number, ++log.cleanedTo));
        left--;
      }
      if (log.cleanedTo == log.deletedTo) {
        cleaning.removeFirst();
        cleaned.add(log);
      }
    }
  }

  /**
   * A reading of the events from {@code from} to {@code to}, at most {@code max} of them, as they
   * are now. It may run on any thread, and must be closed.
   */
  WalReplay replay(WalLog log, long from, long to, long max) {
    return new WalReplay(
        db,
        log.persistenceId,
        log.number,
        Math.max(from, log.deletedTo + 1),
        Math.min(to, log.highest),
        max,
        new TreeMap<>(log.writers));
  }

  /** See {@link LevelDb#damage}. */
  CompletionStage<StorageException> damage() {
    return db.damage();
  }

  /** The logs in memory, for tests. */
  List<String> known() {
    return new ArrayList<>(logs.keySet());
  }

  @Override
  public void close() {
    compaction.close();
    db.close();
  }
}
