package io.kvorum.persistence.mvcc;

import java.nio.ByteBuffer;

/**
 * The value of a row of current: the record itself, or, if that is large, where it stands in
 * revisions. A small record is worth writing twice, because then a range is one sequential walk; a
 * large one would double what the disk has to bear, and is read as fast from where it is. A pointer
 * begins with a byte 0, and no record does.
 */
final class CurrentRow {

  /** Longer records are not written twice. */
  static final int MAX_INLINE_BYTES = 4096;

  private static final int POINTER_BYTES = 1 + Long.BYTES + Long.BYTES;

  private CurrentRow() {}

  static byte[] encode(long main, long sub, byte[] record) {
    return record.length <= MAX_INLINE_BYTES
        ? record
        : ByteBuffer.allocate(POINTER_BYTES).put((byte) 0).putLong(main).putLong(sub).array();
  }

  static boolean isPointer(byte[] value) {
    return value[0] == 0;
  }

  static long main(byte[] pointer) {
    return ByteBuffer.wrap(pointer).getLong(1);
  }

  static long sub(byte[] pointer) {
    return ByteBuffer.wrap(pointer).getLong(1 + Long.BYTES);
  }
}
