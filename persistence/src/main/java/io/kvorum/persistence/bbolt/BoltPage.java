package io.kvorum.persistence.bbolt;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/**
 * A page of a tree, with its overflow: a header of {@value #HEADER_BYTES} bytes (id 8, flags 2,
 * count 2, overflow 4), as many elements of {@value #ELEMENT_BYTES} bytes, then keys and values.
 *
 * <pre>
 * element of a branch   position 4, key size 4, child's page id 8
 * element of a leaf     flags 4, position 4, key size 4, value size 4
 * </pre>
 *
 * A position counts from its element's first byte, and the value stands right behind the key.
 */
final class BoltPage {
  static final int HEADER_BYTES = 16;
  static final int BRANCH = 0x01;
  static final int LEAF = 0x02;

  private static final int ELEMENT_BYTES = 16;
  private static final int BUCKET_ELEMENT = 0x01;

  private final Path file;

  /** Where it stands; of a bucket inside a leaf, that leaf. */
  private final long id;

  private final ByteBuffer bytes;
  private final boolean branch;
  private final int count;

  private BoltPage(Path file, long id, ByteBuffer bytes, boolean branch, int count) {
    this.file = file;
    this.id = id;
    this.bytes = bytes;
    this.branch = branch;
    this.count = count;
  }

  /**
   * @param bytes the whole page, header first
   * @throws BoltException if it is no page of a tree
   */
  static BoltPage of(Path file, long id, byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int flags = flags(in);
    int count = count(in);
    if (flags != BRANCH && flags != LEAF) {
      throw BoltException.ofPage(
          file, id, "is of kind 0x" + Integer.toHexString(flags) + " where a tree goes on");
    }
    if (HEADER_BYTES + (long) count * ELEMENT_BYTES > bytes.length) {
      throw BoltException.ofPage(file, id, "has no room for its " + count + " elements");
    }
    if (flags == BRANCH && count == 0) {
      throw BoltException.ofPage(file, id, "is a branch without children");
    }
    return new BoltPage(file, id, in, flags == BRANCH, count);
  }

  static long id(ByteBuffer header) {
    return header.getLong(0);
  }

  static int flags(ByteBuffer header) {
    return Short.toUnsignedInt(header.getShort(8));
  }

  private static int count(ByteBuffer header) {
    return Short.toUnsignedInt(header.getShort(10));
  }

  static long overflow(ByteBuffer header) {
    return Integer.toUnsignedLong(header.getInt(12));
  }

  long id() {
    return id;
  }

  boolean isBranch() {
    return branch;
  }

  int count() {
    return count;
  }

  byte[] key(int index) {
    int element = element(index);
    return branch
        ? slice(element + unsigned(element), unsigned(element + 4))
        : slice(element + unsigned(element + 4), unsigned(element + 8));
  }

  /** Of a leaf. */
  byte[] value(int index) {
    int element = element(index);
    return slice(element + unsigned(element + 4) + unsigned(element + 8), unsigned(element + 12));
  }

  /** Whether the value of a leaf's element is a bucket. */
  boolean isBucket(int index) {
    return (bytes.getInt(element(index)) & BUCKET_ELEMENT) != 0;
  }

  /** Of a branch. */
  long child(int index) {
    return bytes.getLong(element(index) + 8);
  }

  private static int element(int index) {
    return HEADER_BYTES + index * ELEMENT_BYTES;
  }

  private long unsigned(int at) {
    return Integer.toUnsignedLong(bytes.getInt(at));
  }

  private byte[] slice(long from, long size) {
    if (from < element(count) || from + size > bytes.capacity()) {
      throw BoltException.ofPage(
          file, id, "has an element that lies outside, at " + from + " with " + size + " bytes");
    }
    byte[] slice = new byte[(int) size];
    bytes.get((int) from, slice);
    return slice;
  }
}
