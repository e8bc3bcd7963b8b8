package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far a database is synced: the newest change that is known to be on the disk, in a small file
 * of its own. A log file alone does not tell a torn last write, of which nobody was told, from a
 * synced one that the disk has damaged since; nor is a lost end of it seen where zeros take its
 * place.
 *
 * <p>The file is written through a memory map and forced only at the end, so a note costs
 * nanoseconds. A killed process loses none; after a loss of power the mark may be some seconds old.
 * It is never ahead of what the disk holds. Two places are written in turn, each with a checksum,
 * so that one of them is always whole.
 */
final class SyncedMark implements AutoCloseable {

  static final String FILE = "kvorum.synced";

  private static final Logger log = LoggerFactory.getLogger(SyncedMark.class);

  private static final int FILE_BYTES = 4096;

  /** On different sectors: what damages one leaves the other. */
  private static final int[] PLACES = {0, FILE_BYTES / 2};

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG.withOrder(ByteOrder.BIG_ENDIAN);

  private final Arena arena;
  private final MemorySegment map;
  private int turn;

  private SyncedMark(Arena arena, MemorySegment map) {
    this.arena = arena;
    this.map = map;
  }

  /** The mark in a directory; -1 if there is none that can be read. */
  static long read(Path directory) throws IOException {
    Path file = directory.resolve(FILE);
    if (!Files.exists(file)) {
      return -1;
    }
    byte[] content = Files.readAllBytes(file);
    long newest = -1;
    for (int place : PLACES) {
      if (place + 2 * Long.BYTES <= content.length) {
        ByteBuffer in = ByteBuffer.wrap(content);
        long sequence = in.getLong(place);
        newest =
            in.getLong(place + Long.BYTES) == checksum(sequence)
                ? Math.max(newest, sequence)
                : newest;
      }
    }
    if (newest < 0) {
      log.warn(
          "{} is damaged and is made anew: all that it tells is how far the log was synced", file);
    }
    return newest;
  }

  /** Never 0, so that a place full of zeros is no mark. */
  private static long checksum(long sequence) {
    CRC32C crc = new CRC32C();
    crc.update(ByteBuffer.allocate(Long.BYTES).putLong(0, sequence));
    return crc.getValue() | 1L << 32;
  }

  /**
   * Opens or creates the file with this mark. It is whole, and has its room on the disk, before it
   * is mapped.
   */
  static SyncedMark open(Path directory, long sequence) throws IOException {
    Arena arena = Arena.ofShared();
    boolean opened = false;
    try (FileChannel channel =
        FileChannel.open(
            directory.resolve(FILE),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      ByteBuffer content = ByteBuffer.allocate(FILE_BYTES);
      for (int place : PLACES) {
        content.putLong(place, sequence).putLong(place + Long.BYTES, checksum(sequence));
      }
      while (content.hasRemaining()) {
        channel.write(content, content.position());
      }
      channel.truncate(FILE_BYTES);
      channel.force(true);
      MemorySegment map = channel.map(FileChannel.MapMode.READ_WRITE, 0, FILE_BYTES, arena);
      opened = true;
      return new SyncedMark(arena, map);
    } finally {
      if (!opened) {
        arena.close();
      }
    }
  }

  /** For a database that is not synced at each write: it has no mark. */
  static void remove(Path directory) throws IOException {
    Files.deleteIfExists(directory.resolve(FILE));
  }

  /** Everything up to this change is on the disk. One thread at a time. */
  void note(long sequence) {
    int place = PLACES[turn];
    turn = 1 - turn;
    map.set(LONG, place, sequence);
    map.set(LONG, place + Long.BYTES, checksum(sequence));
  }

  @Override
  public void close() {
    try {
      map.force();
    } catch (UncheckedIOException e) {
      log.debug("the mark of what is synced stays as old as the disk has it", e);
    }
    arena.close();
  }

  /** What is wrong with logs that end with a change, or null. */
  static @Nullable String missing(long mark, long end) {
    return mark <= end
        ? null
        : "it ends with change " + end + ", and changes up to " + mark + " were synced";
  }
}
