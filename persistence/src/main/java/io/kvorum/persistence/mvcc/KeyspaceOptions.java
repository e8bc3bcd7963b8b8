package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.LevelDb;
import java.time.Duration;
import java.util.function.LongPredicate;

/**
 * @param storage how LevelDB is opened
 * @param compactionBatchRevisions revisions that the background work of a compaction handles before
 *     it pauses
 * @param compactionPause length of that pause
 * @param reclaimBytes so many bytes of records must have been removed before LevelDB is told to
 *     rewrite its tables
 * @param leaseExists whether a lease, never 0, is granted; asked on the writer's thread
 */
public record KeyspaceOptions(
    LevelDb.Options storage,
    int compactionBatchRevisions,
    Duration compactionPause,
    long reclaimBytes,
    LongPredicate leaseExists) {

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
   * A batch of 1,000 and a pause of 10 ms are etcd's; no lease exists. LevelDB's write buffer and
   * cache: see docs/decisions/0003-keyspace-tables.md.
   */
  public static KeyspaceOptions defaults() {
    return new KeyspaceOptions(
        new LevelDb.Options(16L << 20, 8L << 20, true, false, false, 500),
        1000,
        Duration.ofMillis(10),
        16L << 20,
        lease -> false);
  }

  public KeyspaceOptions withStorage(LevelDb.Options options) {
    return new KeyspaceOptions(
        options, compactionBatchRevisions, compactionPause, reclaimBytes, leaseExists);
  }

  public KeyspaceOptions withCompaction(int batchRevisions, Duration pause) {
    return new KeyspaceOptions(storage, batchRevisions, pause, reclaimBytes, leaseExists);
  }

  public KeyspaceOptions withReclaimBytes(long bytes) {
    return new KeyspaceOptions(
        storage, compactionBatchRevisions, compactionPause, bytes, leaseExists);
  }

  public KeyspaceOptions withLeases(LongPredicate exists) {
    return new KeyspaceOptions(
        storage, compactionBatchRevisions, compactionPause, reclaimBytes, exists);
  }
}
