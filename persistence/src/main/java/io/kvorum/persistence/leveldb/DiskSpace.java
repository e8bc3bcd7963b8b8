package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * Refuses writes while the file system has too little room.
 *
 * <p>The native LevelDB extends its files sparsely and writes through memory maps. On a full disk
 * the kernel then answers with SIGBUS, which ends the process, and not with an error. So a write is
 * refused before LevelDB sees it, while there is still room for what its background work may have
 * to write. A refusal leaves no trace in LevelDB: writes succeed again once space returns.
 */
final class DiskSpace {

  /**
   * Free space is asked for anew after this many bytes, or this much time, whichever comes first.
   */
  private static final long CHECK_EVERY_BYTES = 256 << 10;

  private static final long CHECK_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private final Path directory;
  private final FileStore store;
  private final long minFreeBytes;

  // Racy on purpose: losing a count only moves the next check by a little.
  private long uncheckedBytes;
  private volatile long checkedAtNanos;
  private volatile boolean enough;

  DiskSpace(Path directory, long minFreeBytes) throws IOException {
    this.directory = directory;
    this.store = Files.getFileStore(directory);
    // Some file systems, of programs in user space above all, do not tell their size.
    this.minFreeBytes = store.getTotalSpace() == 0 ? 0 : minFreeBytes;
  }

  /** Throws if {@code bytes} more must not be written now. */
  void require(long bytes) {
    uncheckedBytes += bytes;
    long now = System.nanoTime();
    if (enough && uncheckedBytes < CHECK_EVERY_BYTES && now - checkedAtNanos < CHECK_EVERY_NANOS) {
      return;
    }
    enough = false;
    requireFree(bytes, minFreeBytes);
    enough = true;
    uncheckedBytes = 0;
    checkedAtNanos = now;
  }

  /**
   * The same for what leads to less space being taken: it may use half of what must stay free, or a
   * database that has filled its disk itself could never get out of that.
   */
  void requireToReclaim(long bytes) {
    requireFree(bytes, minFreeBytes / 2);
  }

  private void requireFree(long bytes, long mustStay) {
    long free = free();
    if (mustStay > 0 && free - bytes < mustStay) {
      throw new StorageException(
          StorageException.Reason.FULL,
          "disk full: "
              + directory
              + " has "
              + mebibytes(free)
              + " MiB free and "
              + mebibytes(mustStay)
              + " MiB must stay free; nothing was written. Free some space on this file system;"
              + " writes resume by themselves");
    }
  }

  private long free() {
    try {
      return store.getUsableSpace();
    } catch (IOException e) {
      throw new StorageException(
          StorageException.Reason.IO,
          "cannot tell the free space of " + directory + ": " + e.getMessage(),
          e);
    }
  }

  private static String mebibytes(long bytes) {
    return Long.toString(bytes >> 20);
  }
}
