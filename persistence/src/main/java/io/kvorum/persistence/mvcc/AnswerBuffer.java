package io.kvorum.persistence.mvcc;

import java.util.Arrays;

/**
 * Bytes of an answer in the making, which are not copied once more when it is done. The first ones
 * are left free for what its sender puts before it.
 */
public final class AnswerBuffer {

  /** Field {@code kvs} of a RangeResponse: number 2, with a length. */
  private static final byte KVS_TAG = 2 << 3 | 2;

  private static final int MIN_BYTES = 1024;

  private final int frontBytes;
  private byte[] bytes;
  private int size;

  /**
   * @param frontBytes that are left free
   * @param expectedBytes about what will come; it grows beyond
   */
  public AnswerBuffer(int frontBytes, int expectedBytes) {
    this.frontBytes = frontBytes;
    this.bytes = new byte[frontBytes + Math.max(MIN_BYTES, expectedBytes)];
    this.size = frontBytes;
  }

  /** The array that holds it, from index 0 on, the free bytes first. */
  public byte[] array() {
    return bytes;
  }

  /** Its length, with the free bytes. */
  public int end() {
    return size;
  }

  /** Its length without the free bytes. */
  public int size() {
    return size - frontBytes;
  }

  /** Appends bytes that are encoded already. */
  public void append(byte[] encoded) {
    makeRoom(encoded.length);
    System.arraycopy(encoded, 0, bytes, size, encoded.length);
    size += encoded.length;
  }

  /** Appends a record as one field {@code kvs} of a RangeResponse. */
  public void appendRecord(byte[] record) {
    makeRoom((int) fieldBytes(record.length));
    bytes[size++] = KVS_TAG;
    int rest = record.length;
    for (; rest > 0x7f; rest >>>= 7) {
      bytes[size++] = (byte) (rest | 0x80);
    }
    bytes[size++] = (byte) rest;
    System.arraycopy(record, 0, bytes, size, record.length);
    size += record.length;
  }

  /** What {@link #appendRecord} takes for a record of so many bytes. */
  static long fieldBytes(int recordBytes) {
    int varintBytes = 1;
    for (int rest = recordBytes; rest > 0x7f; rest >>>= 7) {
      varintBytes++;
    }
    return 1L + varintBytes + recordBytes;
  }

  private void makeRoom(int more) {
    int needed = Math.addExact(size, more);
    if (needed > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(needed, bytes.length + (bytes.length >> 1)));
    }
  }
}
