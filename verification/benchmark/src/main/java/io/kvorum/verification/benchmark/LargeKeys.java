package io.kvorum.verification.benchmark;

import io.kvorum.verification.benchmark.wire.Messages;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * The keys 0 to n-1 as eight digits, with values of 64 bytes. A value begins with a number that its
 * writer chose; the rest follows from that and from the key, so that any value can be told to be
 * whole and in its place.
 */
final class LargeKeys {
  static final int VALUE_BYTES = 64;
  static final int KEY_BYTES = 8;

  /** What etcd's servers take in one transaction, unless told otherwise. */
  static final int PUTS_PER_TXN = 128;

  /** What gRPC puts before each message. */
  private static final int PREFIX_BYTES = 5;

  private LargeKeys() {}

  static byte[] key(int number) {
    var key = new byte[KEY_BYTES];
    int rest = number;
    for (int digit = KEY_BYTES - 1; digit >= 0; digit--, rest /= 10)
      key[digit] = (byte) ('0' + rest % 10);
    return key;
  }

  static byte[] value(int number, long tag) {
    var value = ByteBuffer.allocate(VALUE_BYTES).putLong(tag);
    var random = new SplittableRandom(number * 0x9E3779B97F4A7C15L ^ tag);
    while (value.hasRemaining()) value.putLong(random.nextLong());
    return value.array();
  }

  /** The tag of a value, or null if it is not one that was ever put under this key. */
  static @Nullable Long tag(int number, byte[] value) {
    if (value.length != VALUE_BYTES) return null;
    long tag = ByteBuffer.wrap(value).getLong();
    return java.util.Arrays.equals(value, value(number, tag)) ? tag : null;
  }

  /** All numbers below n, each once, in an order that looks like none. */
  static final class Shuffled {
    private final int n;
    private final int mask;
    private final int shift;
    private final SplittableRandom random;
    private final int[] keys = new int[4];

    Shuffled(int n, long seed) {
      this.n = n;
      int bits = Math.max(2, 32 - Integer.numberOfLeadingZeros(n - 1));
      this.mask = bits == 32 ? -1 : (1 << bits) - 1;
      this.shift = (bits + 1) / 2;
      this.random = new SplittableRandom(seed);
      for (int i = 0; i < keys.length; i++) keys[i] = random.nextInt() | 1;
    }

    /** Steps that can each be undone permute a power of two; what lies behind n goes on walking. */
    int at(int index) {
      int x = index;
      do {
        for (int key : keys) {
          x = x * key + (key >>> 7) & mask;
          x ^= x >>> shift;
        }
      } while (x >= n);
      return x;
    }
  }

  /** Transactions that put every key once, from the {@code from}th in the order on. */
  static Messages fill(int n, int from, boolean shuffled, long tag) {
    var order = new Shuffled(n, 1);
    var next = new int[] {from};
    // one put: field 2 of the RequestOp, which is field 2 of the TxnRequest
    int put = 2 + KEY_BYTES + 2 + VALUE_BYTES;
    return new Messages() {
      @Override
      public int maxBytes() {
        return PREFIX_BYTES + PUTS_PER_TXN * (4 + put);
      }

      @Override
      public void writeNext(ByteBuffer out) {
        for (int i = 0; i < PUTS_PER_TXN; i++) {
          int at = next[0]++ % n;
          int number = shuffled ? order.at(at) : at;
          out.put((byte) (2 << 3 | 2)).put((byte) (2 + put));
          out.put((byte) (2 << 3 | 2)).put((byte) put);
          put(out, number, tag);
        }
      }
    };
  }

  static Messages puts(int n, long seed) {
    var random = new SplittableRandom(seed);
    return out -> put(out, random.nextInt(n), random.nextLong());
  }

  static Messages gets(int n, long seed) {
    var random = new SplittableRandom(seed);
    return out -> out.put((byte) (1 << 3 | 2)).put((byte) KEY_BYTES).put(key(random.nextInt(n)));
  }

  private static void put(ByteBuffer out, int number, long tag) {
    out.put((byte) (1 << 3 | 2)).put((byte) KEY_BYTES).put(key(number));
    out.put((byte) (2 << 3 | 2)).put((byte) VALUE_BYTES).put(value(number, tag));
  }
}
