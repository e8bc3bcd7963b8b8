package io.kvorum.verification.conformance.differential;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The few keys and values a run uses: neighbours, prefixes of each other, and bytes that an
 * encoding may trip over.
 */
final class KeyPool {
  static final ByteString OPEN_END = ByteString.copyFrom(new byte[] {0});

  private final SplittableRandom random;
  private final List<ByteString> keys = new ArrayList<>();

  /** An interval in etcd's form; an empty end means the one key. */
  record Interval(ByteString key, ByteString end) {}

  KeyPool(SplittableRandom random) {
    this.random = random;
    for (var word : List.of("a", "aa", "ab", "b", "ba", "c", "foo", "foo/1", "foo/10", "foo/2"))
      keys.add(ByteString.copyFromUtf8(word));
    for (int i = 0; i < 16; i++) keys.add(ByteString.copyFromUtf8("key/%02d".formatted(i)));
    for (byte[] odd :
        new byte[][] {
          {0},
          {0, 0},
          {0, 1},
          {1},
          {'a', 0},
          {'a', 0, 0},
          {'a', 0, (byte) 0xff},
          {'a', 1},
          {'a', (byte) 0xff},
          {'a', (byte) 0xff, 0},
          {(byte) 0xff},
          {(byte) 0xff, 0},
          {(byte) 0xff, (byte) 0xff},
          {(byte) 0x80},
          {0x7f}
        }) keys.add(ByteString.copyFrom(odd));
    keys.add(ByteString.copyFrom(new byte[300]));
    keys.add(ByteString.copyFromUtf8("schlüssel"));
  }

  ByteString key() {
    return keys.get(random.nextInt(keys.size()));
  }

  Interval interval() {
    return switch (random.nextInt(20)) {
      case 0 -> new Interval(ByteString.EMPTY, random.nextBoolean() ? key() : ByteString.EMPTY);
      case 1, 2 -> new Interval(OPEN_END, OPEN_END);
      case 3, 4 -> new Interval(key(), OPEN_END);
      case 5, 6, 7 -> prefix(key());
      case 8, 9, 10 -> prefix(ByteString.copyFromUtf8("key/"));
      case 11, 12, 13, 14 -> new Interval(key(), key());
      default -> new Interval(key(), ByteString.EMPTY);
    };
  }

  private static Interval prefix(ByteString prefix) {
    byte[] end = prefix.toByteArray();
    for (int i = end.length - 1; i >= 0; i--) {
      if (end[i] != (byte) 0xff) {
        end[i]++;
        return new Interval(prefix, ByteString.copyFrom(end, 0, i + 1));
      }
    }
    return new Interval(prefix, OPEN_END);
  }

  ByteString value() {
    return switch (random.nextInt(12)) {
      case 0 -> ByteString.EMPTY;
      case 1 -> {
        var bytes = new byte[random.nextInt(400)];
        random.nextBytes(bytes);
        yield ByteString.copyFrom(bytes);
      }
      case 2, 3, 4, 5 -> ByteString.copyFromUtf8(Integer.toString(random.nextInt(10)));
      default -> ByteString.copyFromUtf8("value-" + random.nextInt(1_000_000));
    };
  }
}
