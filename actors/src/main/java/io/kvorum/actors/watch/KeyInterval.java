package io.kvorum.actors.watch;

import com.google.protobuf.ByteString;

/**
 * The keys that a watcher asks for.
 *
 * @param start the first key, never empty
 * @param end one past the last key; empty for no end; {@code start} itself for the one key
 */
record KeyInterval(ByteString start, ByteString end) {
  private static final ByteString ZERO = ByteString.copyFrom(new byte[] {0});

  /** As etcd reads a request: an empty key is 0x00, no range end is one key, 0x00 is no end. */
  static KeyInterval of(ByteString key, ByteString rangeEnd) {
    var start = key.isEmpty() ? ZERO : owned(key);
    if (rangeEnd.isEmpty()) {
      return new KeyInterval(start, start);
    }
    return rangeEnd.equals(ZERO)
        ? new KeyInterval(start, ByteString.EMPTY)
        : new KeyInterval(start, owned(rangeEnd));
  }

  /** A watcher lives long, and what it is made from is a view of a whole request. */
  private static ByteString owned(ByteString bytes) {
    return ByteString.copyFrom(bytes.asReadOnlyByteBuffer());
  }

  /**
   * True for a range without keys. {@code k..k} as a client writes it is one too, see {@link #of}.
   */
  static boolean isEmptyRange(ByteString key, ByteString rangeEnd) {
    if (rangeEnd.isEmpty() || rangeEnd.equals(ZERO)) {
      return false;
    }
    return compare(key.isEmpty() ? ZERO : key, rangeEnd) >= 0;
  }

  boolean isSingleKey() {
    return start.equals(end);
  }

  boolean contains(ByteString key) {
    if (isSingleKey()) {
      return start.equals(key);
    }
    return compare(start, key) <= 0 && isBefore(key, end);
  }

  /** Whether a key lies before an end of a range, where empty means no end. */
  static boolean isBefore(ByteString key, ByteString end) {
    return end.isEmpty() || compare(key, end) < 0;
  }

  /** Orders ends of ranges: empty, meaning no end, comes last. */
  static int compareEnds(ByteString a, ByteString b) {
    if (a.isEmpty() || b.isEmpty()) {
      return Boolean.compare(a.isEmpty(), b.isEmpty());
    }
    return compare(a, b);
  }

  /** Order of unsigned bytes, as the keyspace has it. */
  static int compare(ByteString a, ByteString b) {
    int common = Math.min(a.size(), b.size());
    for (int i = 0; i < common; i++) {
      int difference = (a.byteAt(i) & 0xff) - (b.byteAt(i) & 0xff);
      if (difference != 0) {
        return difference;
      }
    }
    return Integer.compare(a.size(), b.size());
  }
}
