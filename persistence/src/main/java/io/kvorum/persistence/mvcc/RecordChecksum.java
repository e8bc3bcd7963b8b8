package io.kvorum.persistence.mvcc;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * CRC-32C over records as etcd hashes them: key and value of each in turn, without lengths or
 * separators between them.
 */
final class RecordChecksum {

  /** The name of the bucket in which etcd keeps records; its hash begins with it. */
  private static final byte[] BUCKET = "key".getBytes(StandardCharsets.US_ASCII);

  private static final int POLYNOMIAL_REFLECTED = 0x82f6_3b78;

  private final CRC32C crc = new CRC32C();
  private long bytes;

  /** Over nothing. */
  static RecordChecksum empty() {
    return new RecordChecksum();
  }

  /** Over what stands before the first record. */
  static RecordChecksum begin() {
    RecordChecksum checksum = new RecordChecksum();
    checksum.crc.update(BUCKET);
    checksum.bytes = BUCKET.length;
    return checksum;
  }

  private RecordChecksum() {}

  /**
   * @param row of revisions
   */
  void add(byte[] row, byte[] record) {
    Tables.updateWithStoredKey(crc, row);
    crc.update(record);
    bytes += row.length - Tables.prefixBytes() + record.length;
  }

  int value() {
    return (int) crc.getValue();
  }

  /**
   * The checksum over what this one was over and then what {@code next} was over. That is this one,
   * moved on by as many zero bytes, and the other laid over it: zeros by repeated squaring of the
   * step for one zero bit, which is a matrix over GF(2), as in zlib's crc32_combine.
   */
  int followedBy(RecordChecksum next) {
    int moved = value();
    int[] step = oneZeroBit();
    for (long bits = next.bytes * 8; bits > 0; bits >>>= 1) {
      if ((bits & 1) != 0) {
        moved = times(step, moved);
      }
      step = square(step);
    }
    return moved ^ next.value();
  }

  /** Row n says what becomes of a checksum with bit n alone. */
  private static int[] oneZeroBit() {
    int[] matrix = new int[Integer.SIZE];
    matrix[0] = POLYNOMIAL_REFLECTED;
    for (int bit = 1; bit < Integer.SIZE; bit++) {
      matrix[bit] = 1 << (bit - 1);
    }
    return matrix;
  }

  private static int times(int[] matrix, int vector) {
    int product = 0;
    for (int bit = 0; bit < Integer.SIZE; bit++) {
      if ((vector >>> bit & 1) != 0) {
        product ^= matrix[bit];
      }
    }
    return product;
  }

  private static int[] square(int[] matrix) {
    int[] squared = new int[Integer.SIZE];
    for (int bit = 0; bit < Integer.SIZE; bit++) {
      squared[bit] = times(matrix, matrix[bit]);
    }
    return squared;
  }
}
