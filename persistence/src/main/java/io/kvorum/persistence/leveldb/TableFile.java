package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Checks a table file of LevelDB as it lies on the disk: blocks one behind the other, each followed
 * by its kind (1 byte) and a masked CRC-32C (4); the last but one is the index, whose entries name
 * the blocks before; a footer of 48 bytes names the index and ends the file.
 *
 * <p>LevelDB's native library looks at the checksum of a block of rows when it is told to, and at
 * that of an index never. From a damaged index it takes the wrong block, and does not find rows
 * that are there.
 */
final class TableFile {

  /** Which blocks are looked at. */
  enum Extent {
    INDEX,
    EVERYTHING
  }

  /** Where a file is damaged, and what the matter is in a few words. */
  record Damage(Path file, long position, String what) {}

  /** A block's place in the file, without kind and checksum. */
  private record Handle(long offset, long size) {
    long end() {
      return offset + size + BLOCK_TRAILER_BYTES;
    }
  }

  private static final int FOOTER_BYTES = 48;
  private static final int BLOCK_TRAILER_BYTES = 5;
  private static final long MAGIC = 0xdb4775248b80fb57L;
  private static final int PLAIN = 0;
  private static final int SNAPPY = 1;

  private final Path file;
  private final ByteBuffer in;

  private TableFile(Path file, ByteBuffer in) {
    this.file = file;
    this.in = in;
  }

  /** The file of a table, under either of the names that LevelDB has used. */
  static Path path(Path directory, long number) {
    Path file = directory.resolve("%06d.sst".formatted(number));
    Path newer = directory.resolve("%06d.ldb".formatted(number));
    return !Files.exists(file) && Files.exists(newer) ? newer : file;
  }

  /** Null if the file is what LevelDB wrote: of this size, and with the right checksums. */
  static @Nullable Damage check(Path file, long size, Extent extent) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      if (channel.size() != size) {
        return new Damage(
            file,
            Math.min(channel.size(), size),
            "it has " + channel.size() + " bytes and should have " + size);
      }
      if (size < FOOTER_BYTES) {
        return new Damage(file, 0, "it is too short for a table");
      }
      return extent == Extent.INDEX
          ? new TableFile(file, end(channel, size)).checkIndex(size)
          : checkAll(file, channel, size);
    } catch (NoSuchFileException e) {
      return new Damage(file, 0, "it is missing");
    } catch (IOException e) {
      return new Damage(file, 0, "it cannot be read: " + e.getMessage());
    }
  }

  /** The file from its index on, as far as the footer tells where that is; else the footer. */
  private static ByteBuffer end(FileChannel channel, long size) throws IOException {
    ByteBuffer footer = read(channel, size - FOOTER_BYTES, FOOTER_BYTES);
    long from = size - FOOTER_BYTES;
    try {
      Handle index = indexIn(footer);
      boolean plausible =
          index.offset >= 0
              && index.size >= 0
              && index.end() <= from
              && size - index.offset <= Integer.MAX_VALUE;
      return plausible ? read(channel, index.offset, (int) (size - index.offset)) : footer;
    } catch (BufferUnderflowException e) {
      return footer;
    }
  }

  private static ByteBuffer read(FileChannel channel, long from, int bytes) throws IOException {
    ByteBuffer into = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    while (into.hasRemaining()) {
      if (channel.read(into, from + into.position()) < 0) {
        throw new IOException("it ends at " + (from + into.position()));
      }
    }
    return into.flip();
  }

  private static @Nullable Damage checkAll(Path file, FileChannel channel, long size)
      throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      ByteBuffer all =
          channel
              .map(FileChannel.MapMode.READ_ONLY, 0, size, arena)
              .asByteBuffer()
              .order(ByteOrder.LITTLE_ENDIAN);
      return new TableFile(file, all).checkBlocks();
    } catch (InternalError e) {
      // How Java reports a page of a mapped file that the disk does not give.
      return new Damage(file, 0, "it cannot be read");
    }
  }

  private static Handle indexIn(ByteBuffer footer) {
    ByteBuffer handles = footer.slice(0, footer.limit());
    handle(handles);
    return handle(handles);
  }

  private static Handle handle(ByteBuffer in) {
    return new Handle(Manifest.Reader.varint(in), Manifest.Reader.varint(in));
  }

  /** With a buffer that begins somewhere in the file and ends where the file ends. */
  private @Nullable Damage checkIndex(long size) {
    long base = size - in.limit();
    Damage footer = checkFooter(size);
    if (footer != null) {
      return footer;
    }
    Handle index = indexIn(footer());
    String wrong = wrongBlock(new Handle(index.offset - base, index.size));
    return wrong == null ? null : new Damage(file, index.offset, "index: " + wrong);
  }

  private ByteBuffer footer() {
    return in.slice(in.limit() - FOOTER_BYTES, FOOTER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  }

  private @Nullable Damage checkFooter(long size) {
    long at = size - FOOTER_BYTES;
    if (footer().getLong(FOOTER_BYTES - Long.BYTES) != MAGIC) {
      return new Damage(file, at, "it does not end as a table");
    }
    try {
      Handle index = indexIn(footer());
      if (index.offset >= size - in.limit() && index.size >= 0 && index.end() <= at) {
        return null;
      }
    } catch (BufferUnderflowException e) {
      return new Damage(file, at, "its end does not tell where the index is");
    }
    return new Damage(file, at, "its end names an index that is not in the file");
  }

  private @Nullable Damage checkBlocks() {
    long size = in.limit();
    Damage damage = checkIndex(size);
    if (damage != null) {
      return damage;
    }
    Handle index = indexIn(footer());
    Handle other = handle(footer());
    String wrong = wrongBlock(other);
    if (wrong != null) {
      return new Damage(file, other.offset, wrong);
    }
    try {
      return checkRows(content(index), index.offset);
    } catch (BufferUnderflowException | IllegalArgumentException | IndexOutOfBoundsException e) {
      return new Damage(file, index.offset, "an index that cannot be read");
    }
  }

  /** Every block that the index names; between them may be nothing. */
  private @Nullable Damage checkRows(ByteBuffer index, long indexOffset) {
    int restarts = index.getInt(index.limit() - Integer.BYTES);
    int entriesEnd = index.limit() - Integer.BYTES * (1 + restarts);
    index.limit(entriesEnd);
    long next = 0;
    while (index.hasRemaining()) {
      Manifest.Reader.varint(index);
      int keyBytes = (int) Manifest.Reader.varint(index);
      int valueBytes = (int) Manifest.Reader.varint(index);
      ByteBuffer value = index.slice(index.position() + keyBytes, valueBytes);
      index.position(index.position() + keyBytes + valueBytes);
      Handle block = handle(value);
      if (block.offset != next) {
        return new Damage(file, indexOffset, "an index with a gap at " + next);
      }
      String wrong = wrongBlock(block);
      if (wrong != null) {
        return new Damage(file, block.offset, wrong);
      }
      next = block.end();
    }
    return null;
  }

  private ByteBuffer content(Handle block) {
    ByteBuffer stored =
        in.slice((int) block.offset, (int) block.size).order(ByteOrder.LITTLE_ENDIAN);
    return in.get((int) (block.offset + block.size)) == SNAPPY
        ? SnappyBlock.unpack(stored)
        : stored;
  }

  /** What is wrong with the block at a place in the buffer, or null. */
  private @Nullable String wrongBlock(Handle block) {
    if (block.offset < 0
        || block.size < 0
        || block.size > in.limit()
        || block.end() > in.limit() - FOOTER_BYTES) {
      return "a block that is not in the file";
    }
    int at = (int) block.offset;
    int size = (int) block.size;
    CRC32C crc = new CRC32C();
    crc.update(in.slice(at, size + 1));
    if (LogFile.unmask(in.getInt(at + size + 1)) != (int) crc.getValue()) {
      return "checksum mismatch";
    }
    int kind = in.get(at + size);
    return kind == PLAIN || kind == SNAPPY ? null : "a block of unknown kind " + kind;
  }
}
