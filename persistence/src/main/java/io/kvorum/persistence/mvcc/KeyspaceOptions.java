package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.LevelDbOptions;
import java.nio.file.Path;
import java.time.Duration;

/**
 * @param storage how LevelDB is opened
 * @param compactionBatchRevisions revisions that the background work of a compaction handles before
 *     it pauses
 * @param compactionPause length of that pause
 * @param reclaimBytes so many bytes of records must have been removed before LevelDB is told to
 *     rewrite its tables
 */
public record KeyspaceOptions(
    LevelDbOptions storage,
    int compactionBatchRevisions,
    Duration compactionPause,
    long reclaimBytes) {

  /**
   * All tables of a keyspace of 60 GB, where the process may have so many files open. A table that
   * is not open is opened anew for each read of it.
   */
  private static final int MAX_OPEN_TABLES = 30_000;

  private static final long WRITE_BUFFER_BYTES = 16L << 20;

  private static final long CACHE_BYTES = 8L << 20;

  /**
   * In a store of many tables each put costs LevelDB several times its size in compactions, and the
   * fewer the more is gathered before it is sorted in. The price is paid in memory, twice the
   * buffer, and at a start after a crash, which reads the log of a buffer or two.
   */
  private static final long LARGE_WRITE_BUFFER_BYTES = 48L << 20;

  /** Tables of 2 MiB: a store of one GiB. */
  private static final int LARGE_STORE_TABLES = 512;

  public KeyspaceOptions {
    if (compactionBatchRevisions < 1) {
      throw new IllegalArgumentException(
          "compaction batch of " + compactionBatchRevisions + " revisions");
    }
    if (compactionPause.isNegative()) {
      throw new IllegalArgumentException("negative compaction pause " + compactionPause);
    }
  }

  /**
   * A batch of 1,000 and a pause of 10 ms are etcd's. LevelDB's write buffer and cache: see
   * docs/decisions/0003-keyspace-tables.md; every block's checksum is looked at: 0019.
   */
  public static KeyspaceOptions defaults() {
    return new KeyspaceOptions(
        LevelDbOptions.defaults()
            .withWriteBufferBytes(WRITE_BUFFER_BYTES)
            .withCacheBytes(CACHE_BYTES)
            .withCompression(false)
            .withMaxOpenFiles(MAX_OPEN_TABLES),
        1000,
        Duration.ofMillis(10),
        16L << 20);
  }

  /**
   * How to open a keyspace by what it holds now. A write buffer that the operator has chosen stays.
   *
   * @param directory the keyspace's; it may be missing
   */
  public KeyspaceOptions forStoreIn(Path directory) {
    boolean chosen = storage.writeBufferBytes() != WRITE_BUFFER_BYTES;
    return chosen || KeyspaceDirectory.tablesIn(directory) < LARGE_STORE_TABLES
        ? this
        : withStorage(storage.withWriteBufferBytes(LARGE_WRITE_BUFFER_BYTES));
  }

  public KeyspaceOptions withStorage(LevelDbOptions options) {
    return new KeyspaceOptions(options, compactionBatchRevisions, compactionPause, reclaimBytes);
  }

  public KeyspaceOptions withCompaction(int batchRevisions, Duration pause) {
    return new KeyspaceOptions(storage, batchRevisions, pause, reclaimBytes);
  }

  public KeyspaceOptions withReclaimBytes(long bytes) {
    return new KeyspaceOptions(storage, compactionBatchRevisions, compactionPause, bytes);
  }
}
