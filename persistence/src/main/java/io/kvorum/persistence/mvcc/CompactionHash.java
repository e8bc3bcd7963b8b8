package io.kvorum.persistence.mvcc;

/**
 * The hash that etcd takes while a compaction walks: over all records up to its revision, without
 * those up to the compaction before that it removes. The records behind the compaction before are
 * read before any of them goes, the others when the removals are done: then what is left of them is
 * what belongs here. For that order, which spares a look-up for each record, the two parts are
 * hashed apart and joined.
 *
 * <p>etcd takes all records up to the compaction before if it keeps nothing at all. That is never
 * so: each revision from 2 on has made a key live or holds a tombstone, and both are kept there.
 */
final class CompactionHash {

  private final long before;
  private final long target;
  private final RecordChecksum left = RecordChecksum.begin();
  private final RecordChecksum written = RecordChecksum.empty();

  /**
   * @param before where the compaction before was; it must be finished
   */
  CompactionHash(long before, long target) {
    this.before = before;
    this.target = target;
  }

  /** A record, in the order of revisions, before anything that it replaces is removed. */
  void walked(byte[] row, byte[] record) {
    if (Tables.mainOfRevision(row) > before) {
      written.add(row, record);
    }
  }

  /** A record up to the compaction before, in the order of revisions, that was not removed. */
  void left(byte[] row, byte[] record) {
    // Older versions of etcd removed a tombstone at the compacted revision, so no hash has it.
    if (!Tables.isTombstoneRevision(row)) {
      left.add(row, record);
    }
  }

  KeyValueHash result() {
    return new KeyValueHash(left.followedBy(written), target, before);
  }
}
