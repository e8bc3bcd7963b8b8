package io.kvorum.persistence.mvcc;

import java.nio.ByteBuffer;

/**
 * How far the background work of compactions has come. A row of its own, because another thread
 * writes it than the rest.
 *
 * @param finishedRevision the newest revision whose compaction is done (etcd's finishedCompactRev);
 *     -1 before the first
 * @param recordBytesRemoved bytes of all records ever removed
 * @param recordsRemoved how many they were
 */
record CompactionState(long finishedRevision, long recordBytesRemoved, long recordsRemoved) {

  static final String NAME = "compaction";
  static final CompactionState FRESH = new CompactionState(StoreState.NEVER_COMPACTED, 0, 0);

  private static final int BYTES = 3 * Long.BYTES;

  CompactionState finished(long revision) {
    return new CompactionState(revision, recordBytesRemoved, recordsRemoved);
  }

  CompactionState removed(long bytes, long records) {
    return new CompactionState(
        finishedRevision, recordBytesRemoved + bytes, recordsRemoved + records);
  }

  byte[] encode() {
    return ByteBuffer.allocate(BYTES)
        .putLong(finishedRevision)
        .putLong(recordBytesRemoved)
        .putLong(recordsRemoved)
        .array();
  }

  static CompactionState decode(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalStateException(
          "compaction row of " + bytes.length + " bytes instead of " + BYTES);
    }
    ByteBuffer in = ByteBuffer.wrap(bytes);
    return new CompactionState(in.getLong(), in.getLong(), in.getLong());
  }
}
