package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Reads one file of LevelDB's log format: blocks of 32 KiB that hold fragments of records, a
 * fragment being masked CRC-32C (4 bytes), length (2), type (1) and content. Memory-mapped writing
 * leaves zeros behind the last record when the process dies; that is a clean end.
 */
final class LogFile {

  private static final int BLOCK_BYTES = 32 << 10;
  private static final int HEADER_BYTES = 7;
  private static final int FULL = 1;
  private static final int FIRST = 2;
  private static final int MIDDLE = 3;
  private static final int LAST = 4;
  private static final int CRC_MASK_DELTA = 0xa282ead8;

  /** Receives whole records in order. */
  interface Records {
    /** Null if the record is good, else what is wrong with it; it then counts as damaged. */
    @Nullable String accept(ByteBuffer record);
  }

  /**
   * @param position where the first record begins that is not good; everything before is
   * @param what the matter in a few words
   * @param nextRecord where a record with a good checksum begins, there or behind, or -1 if there
   *     is none
   */
  record Damage(long position, String what, long nextRecord) {}

  private final ByteBuffer in;

  private LogFile(ByteBuffer in) {
    this.in = in;
  }

  /**
   * Gives every record to {@code records}, up to the end or the first damage. Null if there is no
   * damage.
   */
  static @Nullable Damage read(Path file, Records records) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        Arena arena = Arena.ofConfined()) {
      ByteBuffer in =
          channel
              .map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena)
              .asByteBuffer()
              .order(ByteOrder.LITTLE_ENDIAN);
      return new LogFile(in).read(records);
    }
  }

  private @Nullable Damage read(Records records) {
    int position = 0;
    while (true) {
      position = skipTrailer(position);
      if (allZeros(position)) {
        return null;
      }
      Whole whole = wholeRecord(position);
      if (whole.wrong == null) {
        String wrong = accept(records, whole.content(in));
        if (wrong == null) {
          position = whole.end;
          continue;
        }
        // Its checksum is good, so it was written like this: it is no torn tail.
        return new Damage(position, wrong, position);
      }
      return new Damage(position, whole.wrong, nextRecord(position + 1));
    }
  }

  private static @Nullable String accept(Records records, ByteBuffer content) {
    try {
      return records.accept(content);
    } catch (BufferUnderflowException | ArithmeticException e) {
      return "a record is shorter than its own fields say";
    }
  }

  /** A record that begins at a position: its first and last fragment, or what is wrong with it. */
  private record Whole(int start, int end, @Nullable String wrong) {
    /** The record without its fragments' headers. */
    ByteBuffer content(ByteBuffer in) {
      ByteBuffer only = ByteBuffer.allocate(end - start).order(ByteOrder.LITTLE_ENDIAN);
      int at = start;
      while (at < end) {
        at = skipTrailer(at);
        int length = length(in, at);
        only.put(in.slice(at + HEADER_BYTES, length));
        at += HEADER_BYTES + length;
      }
      return only.flip();
    }
  }

  private Whole wholeRecord(int start) {
    int at = start;
    while (true) {
      at = skipTrailer(at);
      String wrong = wrongFragment(at);
      if (wrong != null) {
        return new Whole(start, at, wrong);
      }
      int type = in.get(at + 6);
      boolean first = at == start;
      int end = at + HEADER_BYTES + length(in, at);
      if (type == (first ? FULL : LAST)) {
        return new Whole(start, end, null);
      }
      if (first ? type != FIRST : type != MIDDLE) {
        return new Whole(
            start, at, first ? "a record without its beginning" : "a record without its end");
      }
      at = end;
    }
  }

  /** What is wrong with the fragment at a position, or null. */
  private @Nullable String wrongFragment(int at) {
    if (in.limit() - at < HEADER_BYTES) {
      return at >= in.limit() ? "a record without its end" : "a record's header is cut off";
    }
    int length = length(in, at);
    int type = in.get(at + 6);
    if (type < FULL || type > LAST) {
      return type == 0 && length == 0
          ? "zeros in place of a record"
          : "a record of unknown type " + type;
    }
    int blockEnd = at - at % BLOCK_BYTES + BLOCK_BYTES;
    if (at + HEADER_BYTES + length > blockEnd) {
      return "a record longer than its block";
    }
    if (at + HEADER_BYTES + length > in.limit()) {
      return "a record is cut off";
    }
    CRC32C crc = new CRC32C();
    crc.update(in.slice(at + 6, 1 + length));
    return unmask(in.getInt(at)) == (int) crc.getValue() ? null : "checksum mismatch";
  }

  /**
   * Where the next good record begins, tried at every byte, as a damaged length hides where the
   * next one should be.
   */
  private long nextRecord(int from) {
    for (int at = from; at + HEADER_BYTES <= in.limit(); at++) {
      int type = in.get(at + 6);
      if ((type == FULL || type == FIRST)
          && BLOCK_BYTES - at % BLOCK_BYTES >= HEADER_BYTES
          && wholeRecord(at).wrong == null) {
        return at;
      }
    }
    return -1;
  }

  private boolean allZeros(int from) {
    int at = from;
    while (at + Long.BYTES <= in.limit()) {
      if (in.getLong(at) != 0) {
        return false;
      }
      at += Long.BYTES;
    }
    while (at < in.limit()) {
      if (in.get(at++) != 0) {
        return false;
      }
    }
    return true;
  }

  /** No header fits into the last six bytes of a block. */
  private static int skipTrailer(int at) {
    int left = BLOCK_BYTES - at % BLOCK_BYTES;
    return left < HEADER_BYTES ? at + left : at;
  }

  private static int length(ByteBuffer in, int at) {
    return in.getShort(at + 4) & 0xffff;
  }

  static int unmask(int masked) {
    int rotated = masked - CRC_MASK_DELTA;
    return Integer.rotateRight(rotated, 17);
  }
}
