package io.kvorum.persistence.wal;

import io.kvorum.persistence.wal.WalFormat.Event;
import io.kvorum.persistence.wal.WalStore.Numbered;
import java.util.List;
import java.util.UUID;

/** Makes a log without a running journal, for tools that prepare a data directory. */
public final class WalBeginning {
  private WalBeginning() {}

  /**
   * Writes the first event of a persistence id, durably.
   *
   * @throws IllegalStateException if it has events already
   * @throws io.kvorum.persistence.leveldb.StorageException if the directory cannot be used
   */
  public static void write(WalSettings settings, String persistenceId, WalRecord first) {
    try (WalStore store = WalStore.open(settings, WalMetrics.NONE)) {
      WalLog log = store.log(persistenceId);
      if (!log.isEmpty()) {
        throw new IllegalStateException(
            "the log in " + settings.directory() + " holds " + log.highest + " events already");
      }
      store.append(
          log, UUID.randomUUID().toString(), List.of(new Numbered(1, Event.raw(first.bytes()))));
      store.commit();
    }
  }
}
