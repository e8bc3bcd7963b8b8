package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Our own lock on a database directory. LevelDB takes one too, but only when it opens, and the log
 * files must be examined, and perhaps cut, before that. LevelDB's {@code LOCK} file itself must not
 * be touched: closing any descriptor of it drops the lock.
 */
public final class DirectoryLock implements AutoCloseable {

  static final String FILE = "kvorum.lock";

  private static final Logger log = LoggerFactory.getLogger(DirectoryLock.class);

  private final FileChannel channel;

  private DirectoryLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * For who keeps databases in directories below one of his own: creates that if it is missing, and
   * holds it.
   *
   * @throws StorageException if it is in use, read-only or not a directory
   */
  public static DirectoryLock hold(Path directory) {
    Path path = directory.toAbsolutePath().normalize();
    try {
      Opening.createDirectory(path);
      return take(path);
    } catch (IOException | RuntimeException e) {
      throw Opening.failure("cannot open", path, e);
    }
  }

  static DirectoryLock take(Path directory) throws IOException {
    FileChannel channel =
        FileChannel.open(
            directory.resolve(FILE),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    boolean held = false;
    try {
      FileLock lock = tryLock(channel, directory);
      if (lock == null) {
        throw locked(directory, "by another process" + holder(channel));
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)),
          0);
      held = true;
      return new DirectoryLock(channel);
    } finally {
      if (!held) {
        channel.close();
      }
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel, Path directory)
      throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      throw locked(directory, "by this same process");
    }
  }

  private static StorageException locked(Path directory, String by) {
    return new StorageException(
        StorageException.Reason.LOCKED,
        directory
            + " is already in use "
            + by
            + ". Stop that one first, or give this one a data directory of its own");
  }

  private static String holder(FileChannel channel) throws IOException {
    ByteBuffer text = ByteBuffer.allocate(32);
    channel.read(text, 0);
    String pid = new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII).strip();
    return pid.isEmpty() ? "" : " (pid " + pid + ")";
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      log.warn("cannot release the lock of a closed database", e);
    }
  }
}
