package io.kvorum.persistence.wal;

import io.kvorum.persistence.leveldb.StorageException;

/**
 * Told of what the log does to the disk. Called on the writer thread, so it must be quick and must
 * not throw.
 */
public interface WalMetrics {

  /** Nobody listens. */
  WalMetrics NONE = (nanos, records, bytes) -> {};

  /**
   * One batch was written and synced.
   *
   * @param nanos how long the write took, its sync included
   * @param records the events in it
   * @param bytes the bytes of its keys and values
   */
  void fsync(long nanos, int records, long bytes);

  /**
   * A batch could not be written; its events were failed. If the reason is {@link
   * StorageException.Reason#FULL} later writes may succeed again, else none will until the
   * directory is opened anew, which means a restart of the process.
   */
  default void failed(StorageException failure) {}
}
