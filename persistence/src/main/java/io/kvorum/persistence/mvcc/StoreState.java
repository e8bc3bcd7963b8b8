package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.LogPosition;
import java.nio.ByteBuffer;

/**
 * What one row holds beside the tables, written in the same LevelDB batch as the changes that it
 * tells of.
 *
 * @param applied the newest log entry whose effects are in the tables
 * @param revision the newest main revision; 1 in a fresh store
 * @param compactedRevision the newest revision that a compaction was asked for (etcd's
 *     scheduledCompactRev); -1 before the first
 * @param liveKeys keys at the newest revision
 * @param recordBytesAdded bytes of all records ever written, key and value as etcd would store them
 * @param peakRecordBytes the most bytes that records took at any one time
 */
record StoreState(
    LogPosition applied,
    long revision,
    long compactedRevision,
    long liveKeys,
    long recordBytesAdded,
    long peakRecordBytes) {

  static final String NAME = "state";
  static final long NEVER_COMPACTED = -1;
  static final StoreState FRESH = new StoreState(LogPosition.ZERO, 1, NEVER_COMPACTED, 0, 0, 0);

  private static final int BYTES = 7 * Long.BYTES;

  /**
   * The same content as the beginning of another history of the log, in a store that holds nothing
   * else.
   *
   * @param bump what the revision is raised by; if any, all before is compacted
   * @param recordBytes what records take
   */
  StoreState restored(LogPosition at, long bump, long recordBytes) {
    long raised = KeyspaceImport.bumped(revision == FRESH.revision ? 0 : revision, bump);
    return new StoreState(
        at,
        bump == 0 ? revision : raised,
        bump == 0 ? compactedRevision : raised,
        liveKeys,
        recordBytesAdded,
        recordBytes);
  }

  byte[] encode() {
    return ByteBuffer.allocate(BYTES)
        .putLong(applied.index())
        .putLong(applied.term())
        .putLong(revision)
        .putLong(compactedRevision)
        .putLong(liveKeys)
        .putLong(recordBytesAdded)
        .putLong(peakRecordBytes)
        .array();
  }

  static StoreState decode(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalStateException(
          "state row of " + bytes.length + " bytes instead of " + BYTES);
    }
    ByteBuffer in = ByteBuffer.wrap(bytes);
    return new StoreState(
        new LogPosition(in.getLong(), in.getLong()),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong());
  }
}
