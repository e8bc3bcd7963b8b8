package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.LevelDb;
import java.math.BigInteger;
import java.util.Arrays;

/**
 * Has LevelDB rewrite all tables of a group, so that they hold nothing any more that was removed.
 * Piece by piece: others' flushes and compactions take their turns between them, and whoever closes
 * the store waits for one of them only. Reads and writes go on meanwhile.
 */
final class Defragmentation {

  /** About what is rewritten at a time. */
  private static final long PIECE_BYTES = 32L << 20;

  /**
   * Halvings of a range, each of which tells one bit of a key; larger pieces are left as they are.
   */
  private static final int MAX_DEPTH = 2048;

  private final LevelDb db;
  private final long pieceBytes;

  private Defragmentation(LevelDb db, long pieceBytes) {
    this.db = db;
    this.pieceBytes = pieceBytes;
  }

  static void run(LevelDb db, Tables tables) {
    run(db, tables, PIECE_BYTES);
  }

  /** Returns how many pieces there were. */
  static int run(LevelDb db, Tables tables, long pieceBytes) {
    return new Defragmentation(db, pieceBytes).rewrite(tables.groupFrom(), tables.groupEnd(), 0);
  }

  private int rewrite(byte[] from, byte[] to, int depth) {
    long bytes = db.approximateSize(from, to);
    if (bytes == 0 && depth > 0) {
      return 0;
    }
    if (depth < MAX_DEPTH && bytes > pieceBytes) {
      byte[] middle = between(from, to);
      if (Arrays.compareUnsigned(from, middle) < 0) {
        return rewrite(from, middle, depth + 1) + rewrite(middle, to, depth + 1);
      }
    }
    db.compactRange(from, to);
    return 1;
  }

  /** Halfway between two keys, taken as binary fractions; a byte longer than the longer of them. */
  static byte[] between(byte[] from, byte[] to) {
    int length = Math.max(from.length, to.length) + 1;
    BigInteger sum =
        new BigInteger(1, Arrays.copyOf(from, length))
            .add(new BigInteger(1, Arrays.copyOf(to, length)));
    byte[] half = sum.shiftRight(1).toByteArray();
    byte[] middle = new byte[length];
    int bytes = Math.min(half.length, length);
    System.arraycopy(half, half.length - bytes, middle, length - bytes, bytes);
    int end = length;
    while (end > 0 && middle[end - 1] == 0) {
      end--;
    }
    return Arrays.copyOf(middle, end);
  }
}
