package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The keys that a request names, from its {@code key} and {@code range_end}. Arrays handed out must
 * not be changed.
 */
final class Interval {

  private static final byte[] LOWEST_KEY = {0};

  private final byte[] from;
  private final byte @Nullable [] to;
  private final boolean single;

  private Interval(byte[] from, byte @Nullable [] to, boolean single) {
    this.from = from;
    this.to = to;
    this.single = single;
  }

  /**
   * No range_end: one key. The single byte 0: every key from {@code key} on. Anything else: up to
   * range_end, exclusive.
   */
  static Interval of(ByteString key, ByteString rangeEnd) {
    byte[] from = key.toByteArray();
    if (rangeEnd.isEmpty()) {
      return new Interval(from, from, true);
    }
    boolean open = rangeEnd.size() == 1 && rangeEnd.byteAt(0) == 0;
    return new Interval(from, open ? null : rangeEnd.toByteArray(), false);
  }

  boolean isSingleKey() {
    return single;
  }

  /** Whether every possible key lies in it. No key is empty. */
  boolean isEverything() {
    return !single && to == null && Arrays.compareUnsigned(from, LOWEST_KEY) <= 0;
  }

  boolean isEmpty() {
    return !single && to != null && Arrays.compareUnsigned(from, to) >= 0;
  }

  boolean contains(byte[] key) {
    if (single) {
      return Arrays.equals(key, from);
    }
    return Arrays.compareUnsigned(key, from) >= 0
        && (to == null || Arrays.compareUnsigned(key, to) < 0);
  }

  /** The first key, inclusive. */
  byte[] from() {
    return from;
  }

  /** The end, exclusive; null if there is none. Of no meaning for a single key. */
  byte @Nullable [] to() {
    return to;
  }
}
