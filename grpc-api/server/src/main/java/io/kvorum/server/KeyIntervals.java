package io.kvorum.server;

import com.google.protobuf.ByteString;
import java.util.Map;
import java.util.TreeMap;

/** A set of keys as half-open intervals, bytes compared unsigned. */
final class KeyIntervals {
  private static final ByteString ZERO = ByteString.copyFrom(new byte[] {0});

  /** Begin to end; disjoint, and no two touch. */
  private final TreeMap<ByteString, ByteString> intervals =
      new TreeMap<>(ByteString.unsignedLexicographicalComparator());

  /**
   * Adds [begin, end), or the one key {@code begin} where {@code end} is empty. An end at or before
   * the begin adds nothing, and so does the single byte 0 that elsewhere means "to the last key".
   */
  void add(ByteString begin, ByteString end) {
    ByteString last = end.isEmpty() ? begin.concat(ZERO) : end;
    if (compare(begin, last) < 0) {
      addNonEmpty(begin, last);
    }
  }

  void addAll(KeyIntervals other) {
    other.intervals.forEach(this::addNonEmpty);
  }

  boolean contains(ByteString key) {
    Map.Entry<ByteString, ByteString> before = intervals.floorEntry(key);
    return before != null && compare(key, before.getValue()) < 0;
  }

  private void addNonEmpty(ByteString begin, ByteString end) {
    ByteString first = begin;
    ByteString last = end;
    Map.Entry<ByteString, ByteString> touching = intervals.floorEntry(last);
    while (touching != null && compare(touching.getValue(), first) >= 0) {
      first = compare(touching.getKey(), first) < 0 ? touching.getKey() : first;
      last = compare(touching.getValue(), last) > 0 ? touching.getValue() : last;
      intervals.remove(touching.getKey());
      touching = intervals.floorEntry(last);
    }
    intervals.put(first, last);
  }

  private static int compare(ByteString a, ByteString b) {
    return ByteString.unsignedLexicographicalComparator().compare(a, b);
  }
}
