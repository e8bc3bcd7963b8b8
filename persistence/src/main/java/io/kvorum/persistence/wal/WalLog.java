package io.kvorum.persistence.wal;

import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one persistence id's events, those in the batch being gathered included. Only
 * the writer thread uses it. When a batch fails it is forgotten and read from the disk again.
 */
final class WalLog {

  final String persistenceId;

  /** Stands for the persistence id in keys. */
  final int number;

  /**
   * Whether the number is stored with the persistence id, or will be by the batch being gathered.
   */
  boolean registered;

  /** The highest sequence number ever written; 0 for none. */
  long highest;

  /** Every event up to this one is deleted for readers. */
  long deletedTo;

  /** As much of {@link #deletedTo} as is stored, and not only in the batch being gathered. */
  long storedDeletedTo;

  /** Every event up to this one is also gone from the store. */
  long cleanedTo;

  /**
   * The unique id of the writer by the first sequence number that it wrote. Those whose events are
   * all deleted are left out.
   */
  final TreeMap<Long, String> writers = new TreeMap<>();

  WalLog(String persistenceId, int number) {
    this.persistenceId = persistenceId;
    this.number = number;
  }

  @Nullable String lastWriter() {
    return writers.isEmpty() ? null : writers.lastEntry().getValue();
  }

  boolean isEmpty() {
    return highest == 0;
  }
}
