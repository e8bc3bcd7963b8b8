package io.kvorum.verification.benchmark;

import io.kvorum.verification.benchmark.wire.Messages;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;

/** Protobuf bytes of the requests that loads are made of. */
final class Requests {
  private static final int KEY_BYTES = 8;
  private static final int VALUE_POOL_BYTES = 1 << 20;

  /** Field {@code success} of a TxnRequest. */
  private static final int SUCCESS = 2;

  /** Fields of a RequestOp. */
  private static final int REQUEST_RANGE = 1;

  private static final int REQUEST_PUT = 2;

  private Requests() {}

  interface KeyNumbers {
    int next();
  }

  /**
   * Field 1 of both PutRequest and RangeRequest: eight digits, so that key order is number order.
   */
  static void key(ByteBuffer out, int number) {
    digits(out, 1, number);
  }

  private static void digits(ByteBuffer out, int field, int number) {
    out.put((byte) (field << 3 | 2)).put((byte) KEY_BYTES);
    int rest = number;
    int at = out.position();
    for (int digit = KEY_BYTES - 1; digit >= 0; digit--, rest /= 10)
      out.put(at + digit, (byte) ('0' + rest % 10));
    out.position(at + KEY_BYTES);
  }

  /** A RangeRequest; a limit below 128, 0 for none. */
  static void range(ByteBuffer out, int first, int end, int limit) {
    digits(out, 1, first);
    digits(out, 2, end);
    if (limit > 0) out.put((byte) (3 << 3)).put((byte) limit);
  }

  /** A TxnRequest of one range. */
  static void rangeInTxn(ByteBuffer out, int first, int end, int limit) {
    nested(out, SUCCESS, () -> nested(out, REQUEST_RANGE, () -> range(out, first, end, limit)));
  }

  /** A message in a field, shorter than 16 KiB: its length always takes two bytes. */
  private static void nested(ByteBuffer out, int field, Runnable message) {
    out.put((byte) (field << 3 | 2));
    int at = out.position();
    out.position(at + 2);
    message.run();
    int length = out.position() - at - 2;
    out.put(at, (byte) (length & 0x7f | 0x80)).put(at + 1, (byte) (length >> 7));
  }

  /**
   * PutRequests. Values are cut from random bytes at random places: none compresses, hardly two are
   * alike.
   */
  static final class Puts implements Messages {
    private final SplittableRandom random;
    private final KeyNumbers keys;
    private final int valueBytes;
    private final byte[] pool = new byte[VALUE_POOL_BYTES];

    Puts(SplittableRandom random, KeyNumbers keys, int valueBytes) {
      this.random = random;
      this.keys = keys;
      this.valueBytes = valueBytes;
      random.nextBytes(pool);
    }

    @Override
    public void writeNext(ByteBuffer out) {
      key(out, keys.next());
      out.put((byte) (2 << 3 | 2));
      out.put((byte) (valueBytes & 0x7f | 0x80)).put((byte) (valueBytes >> 7));
      out.put(pool, random.nextInt(VALUE_POOL_BYTES - valueBytes), valueBytes);
    }
  }

  /** TxnRequests of some puts each. */
  record Txns(Messages puts, int putsInTxn) implements Messages {
    /** A frame takes no more. */
    static final int LARGEST_BYTES = 16_000;

    @Override
    public int maxBytes() {
      return putsInTxn > Workload.PUTS_IN_TXN ? LARGEST_BYTES : MAX_BYTES;
    }

    @Override
    public void writeNext(ByteBuffer out) {
      for (int i = 0; i < putsInTxn; i++)
        nested(out, SUCCESS, () -> nested(out, REQUEST_PUT, () -> puts.writeNext(out)));
    }
  }
}
