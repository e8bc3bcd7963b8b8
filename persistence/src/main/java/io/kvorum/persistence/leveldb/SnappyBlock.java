package io.kvorum.persistence.leveldb;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Unpacks what LevelDB compressed with Snappy. Believes nothing that the bytes say. */
final class SnappyBlock {

  /** No block that LevelDB writes is as large; a larger length is damage. */
  private static final int MAX_BYTES = 1 << 30;

  private SnappyBlock() {}

  /**
   * @throws BufferUnderflowException if the bytes end too early, or mean nothing
   */
  static ByteBuffer unpack(ByteBuffer packed) {
    ByteBuffer in = packed.slice().order(ByteOrder.LITTLE_ENDIAN);
    long length = Manifest.Reader.varint(in);
    if (length < 0 || length > MAX_BYTES) {
      throw new BufferUnderflowException();
    }
    byte[] out = new byte[(int) length];
    int filled = 0;
    while (in.hasRemaining()) {
      int tag = in.get() & 0xff;
      int kind = tag & 3;
      if (kind == 0) {
        filled = literal(in, tag >>> 2, out, filled);
        continue;
      }
      int count = kind == 1 ? 4 + (tag >>> 2 & 7) : 1 + (tag >>> 2);
      int offset =
          switch (kind) {
            case 1 -> (tag >>> 5) << 8 | (in.get() & 0xff);
            case 2 -> in.getShort() & 0xffff;
            default -> in.getInt();
          };
      filled = copy(out, filled, offset, count);
    }
    if (filled != out.length) {
      throw new BufferUnderflowException();
    }
    return ByteBuffer.wrap(out).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static int literal(ByteBuffer in, int code, byte[] out, int filled) {
    int extra = code - 59;
    long count = code + 1L;
    if (extra > 0) {
      count = 1;
      for (int i = 0; i < extra; i++) {
        count += (in.get() & 0xffL) << (8 * i);
      }
    }
    if (count > out.length - filled) {
      throw new BufferUnderflowException();
    }
    in.get(out, filled, (int) count);
    return filled + (int) count;
  }

  /** Byte by byte where source and target overlap: that is how a pattern is repeated. */
  private static int copy(byte[] out, int filled, int offset, int count) {
    if (offset <= 0 || offset > filled || count > out.length - filled) {
      throw new BufferUnderflowException();
    }
    if (offset >= count) {
      System.arraycopy(out, filled - offset, out, filled, count);
    } else if (offset == 1) {
      Arrays.fill(out, filled, filled + count, out[filled - 1]);
    } else {
      for (int i = 0; i < count; i++) {
        out[filled + i] = out[filled - offset + i];
      }
    }
    return filled + count;
  }
}
