package io.kvorum.persistence.wal;

import io.kvorum.persistence.wal.WalFormat.Event;
import io.kvorum.persistence.wal.WalStore.Numbered;
import java.util.List;
import java.util.UUID;

/** One persistence id's log without a running journal, for tools that mend a data directory. */
public final class WalAccess implements AutoCloseable {

  /** Receives records in their order. */
  @FunctionalInterface
  public interface Sink {
    void record(long sequence, WalRecord record);
  }

  private final WalStore store;
  private final WalLog log;

  private WalAccess(WalStore store, WalLog log) {
    this.store = store;
    this.log = log;
  }

  /**
   * @throws io.kvorum.persistence.leveldb.StorageException if the directory is in use or damaged
   */
  public static WalAccess open(WalSettings settings, String persistenceId) {
    WalStore store = WalStore.open(settings, WalMetrics.NONE);
    boolean opened = false;
    try {
      WalLog log = store.log(persistenceId);
      opened = true;
      return new WalAccess(store, log);
    } finally {
      if (!opened) {
        store.close();
      }
    }
  }

  /**
   * Gives all records.
   *
   * @throws io.kvorum.persistence.leveldb.StorageException at one that is damaged or missing; those
   *     before it have been given
   */
  public void read(Sink sink) {
    try (WalReplay replay = store.replay(log, 1, Long.MAX_VALUE, Long.MAX_VALUE)) {
      replay.run(
          (sequence, writer, event) -> sink.record(sequence, new WalRecord(event.payload())));
    }
  }

  /** Adds a record at the end, durably. */
  public void append(WalRecord record) {
    store.append(
        log,
        UUID.randomUUID().toString(),
        List.of(new Numbered(log.highest + 1, Event.raw(record.bytes()))));
    store.commit();
  }

  @Override
  public void close() {
    store.close();
  }
}
