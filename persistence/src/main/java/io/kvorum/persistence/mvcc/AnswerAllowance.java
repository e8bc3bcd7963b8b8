package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.mvccpb.KeyValue;

/**
 * How much of what is read may be held in memory for one answer. A transaction is given one for all
 * of its ranges. What is beyond is not read, and the answer is refused; a transaction's changes are
 * made all the same, as every member makes them, whatever memory it has.
 */
final class AnswerAllowance {

  /** What a record takes besides its bytes: objects for it, its key and its value. */
  private static final int RECORD_OVERHEAD_BYTES = 128;

  private static final long LEAST_BYTES = 8L << 20;
  private static final int SHARE_OF_HEAP = 12;

  private long leftBytes;

  AnswerAllowance(long bytes) {
    this.leftBytes = bytes;
  }

  /** What the heap can bear for one answer: with the default heap of 384 MiB, 32 MiB. */
  static long maxBytes() {
    return Math.max(LEAST_BYTES, Runtime.getRuntime().maxMemory() / SHARE_OF_HEAP);
  }

  /** False if it was too much; then every later one is, too. */
  boolean take(KeyValue record) {
    if (leftBytes >= 0) {
      leftBytes -= bytes(record);
    }
    return leftBytes >= 0;
  }

  void giveBack(KeyValue record) {
    if (leftBytes >= 0) {
      leftBytes += bytes(record);
    }
  }

  private static long bytes(KeyValue record) {
    return (long) record.getSerializedSize() + RECORD_OVERHEAD_BYTES;
  }
}
