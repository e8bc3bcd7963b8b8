package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import java.util.Comparator;
import java.util.function.Function;

/** Unsigned order of byte strings. */
final class ByteOrder {

  private ByteOrder() {}

  static <T> Comparator<T> of(Function<T, ByteString> bytes) {
    return Comparator.comparing(bytes, ByteString.unsignedLexicographicalComparator());
  }
}
