package io.kvorum.persistence.mvcc;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Bytes whose unsigned order is the order of what they stand for.
 *
 * <p>A user key may hold any bytes, so one that is followed by something else in a row's key is
 * escaped: 0x00 becomes 0x00 0xff, and the key ends with 0x00 0x01. The terminator sorts below
 * every escaped continuation, so a key stands before all keys that it is a prefix of.
 *
 * <p>A revision is encoded as etcd stores it: 8 bytes main, '_', 8 bytes sub, and 't' behind a
 * tombstone.
 */
final class KeyEncoding {

  static final int TERMINATOR_BYTES = 2;
  static final int REVISION_BYTES = 17;
  static final int TOMBSTONE_REVISION_BYTES = REVISION_BYTES + 1;

  private static final byte ESCAPED_ZERO = (byte) 0xff;
  private static final byte TERMINATOR = 1;
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private KeyEncoding() {}

  static void putLong(byte[] bytes, int at, long value) {
    LONGS.set(bytes, at, value);
  }

  static long getLong(byte[] bytes, int at) {
    return (long) LONGS.get(bytes, at);
  }

  /** Length of the escaped key without its terminator. */
  static int escapedBytes(byte[] key) {
    int length = key.length;
    for (byte b : key) {
      if (b == 0) {
        length++;
      }
    }
    return length;
  }

  /** Writes the escaped key without terminator and returns the index behind it. */
  static int putEscaped(byte[] key, byte[] into, int at) {
    int next = at;
    for (byte b : key) {
      into[next++] = b;
      if (b == 0) {
        into[next++] = ESCAPED_ZERO;
      }
    }
    return next;
  }

  static int putTerminator(byte[] into, int at) {
    into[at] = 0;
    into[at + 1] = TERMINATOR;
    return at + TERMINATOR_BYTES;
  }

  /** The user key whose escaped form, without terminator, lies between the two indexes. */
  static byte[] unescape(byte[] bytes, int from, int to) {
    byte[] key = new byte[to - from];
    int length = 0;
    for (int i = from; i < to; i++) {
      key[length++] = bytes[i];
      if (bytes[i] == 0) {
        i++;
      }
    }
    return length == key.length ? key : Arrays.copyOf(key, length);
  }

  /** Writes a revision in etcd's form. */
  static void putRevision(byte[] into, int at, long main, long sub, boolean tombstone) {
    putLong(into, at, main);
    into[at + 8] = '_';
    putLong(into, at + 9, sub);
    if (tombstone) {
      into[at + REVISION_BYTES] = 't';
    }
  }
}
