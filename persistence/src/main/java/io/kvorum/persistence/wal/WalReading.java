package io.kvorum.persistence.wal;

import io.kvorum.persistence.leveldb.StorageException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads a log without a running journal, for tools that look into a data directory. Holds the
 * directory meanwhile. One thread.
 */
public final class WalReading implements AutoCloseable {

  /** Receives the events in their order. */
  @FunctionalInterface
  public interface Sink {
    void event(long sequence, WalRecord record);
  }

  private final WalStore store;
  private final WalLog log;

  private WalReading(WalStore store, WalLog log) {
    this.store = store;
    this.log = log;
  }

  /** Whether there is a log, as far as the names of files tell. */
  public static boolean isOne(Path directory) {
    return Files.exists(directory.resolve("CURRENT"));
  }

  /**
   * @throws StorageException if the directory is in use, damaged, of another version, or holds no
   *     events of the persistence id
   */
  public static WalReading open(WalSettings settings, String persistenceId) {
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
      return new WalReading(store, log);
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

  @Override
  public void close() {
    store.close();
  }
}
