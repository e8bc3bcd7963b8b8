package io.kvorum.persistence.wal;

import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.wal.WalFormat.Event;
import io.kvorum.persistence.wal.WalStore.Numbered;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;

/**
 * One persistence id's log without a running journal, for tools that look into a data directory or
 * mend it. Holds the directory meanwhile. One thread.
 */
public final class WalAtRest implements AutoCloseable {

  /** Receives the events in their order. */
  @FunctionalInterface
  public interface Sink {
    void event(long sequence, WalRecord record);
  }

  private final WalStore store;
  private final WalLog log;

  private WalAtRest(WalStore store, WalLog log) {
    this.store = store;
    this.log = log;
  }

  /** Whether there is a log, as far as the names of files tell. */
  public static boolean isOne(Path directory) {
    return LevelDb.isOne(directory);
  }

  /**
   * @throws StorageException if the directory is in use, damaged, of another version, or holds no
   *     events of the persistence id
   */
  public static WalAtRest open(WalSettings settings, String persistenceId) {
    if (!isOne(settings.directory())) {
      throw new StorageException(
          StorageException.Reason.IO, "there is no write-ahead log in " + settings.directory());
    }
    WalStore store = WalStore.open(settings, WalMetrics.NONE);
    boolean opened = false;
    try {
      WalLog log = store.log(persistenceId);
      if (log.isEmpty()) {
        throw new StorageException(
            StorageException.Reason.IO,
            "the write-ahead log in "
                + settings.directory()
                + " holds nothing of "
                + persistenceId);
      }
      opened = true;
      return new WalAtRest(store, log);
    } finally {
      if (!opened) {
        store.close();
      }
    }
  }

  /**
   * Gives all events from a sequence number on.
   *
   * @throws StorageException at a damaged or missing event; those before it have been given
   */
  public void read(long from, Sink to) {
    try (WalReplay replay = store.replay(log, from, Long.MAX_VALUE, Long.MAX_VALUE)) {
      replay.run((sequence, writer, event) -> to.event(sequence, new WalRecord(event.payload())));
    }
  }

  /**
   * Adds an event at the end, durably.
   *
   * @throws StorageException if the disk does not take it
   */
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
