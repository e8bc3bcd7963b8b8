package io.kvorum.persistence.leveldb;

import io.kvorum.persistence.leveldb.StorageException.Reason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The steps from a path to an open database, and the words for each way in which they can fail. */
final class Opening {

  private static final Logger log = LoggerFactory.getLogger(Opening.class);

  /** Which of the two implementations of LevelDB. */
  enum Kind {
    NATIVE,
    JAVA
  }

  private Opening() {}

  /** Native if its library loads here. Looked at once. */
  static Kind preferredEngine() {
    return Preferred.KIND;
  }

  private static final class Preferred {
    private static final Kind KIND = choose();

    private static Kind choose() {
      @Nullable Throwable unavailable = NativeEngine.unavailable();
      if (unavailable == null) {
        log.debug("LevelDB: native library");
        return Kind.NATIVE;
      }
      log.debug("LevelDB: pure Java, as the native library cannot be loaded", unavailable);
      return Kind.JAVA;
    }
  }

  static LevelDb open(Path directory, LevelDbOptions options, Recovery recovery, Kind kind) {
    Path path = directory.toAbsolutePath().normalize();
    DirectoryLock lock = null;
    boolean opened = false;
    try {
      createDirectory(path);
      lock = DirectoryLock.take(path);
      probeWritable(path);
      DiskSpace space = new DiskSpace(path, options.minFreeBytes());
      space.require(0);
      LogFileScanner.Findings found = LogFileScanner.examine(path, recovery);
      requireGoodTables(path, found.manifest(), recovery);
      Engine engine =
          switch (kind) {
            case NATIVE -> NativeEngine.open(path, options);
            case JAVA -> JavaEngine.open(path, options);
          };
      opened = true;
      return new LevelDb(path, engine, lock, space, recovery, found.lastSequence());
    } catch (StorageException e) {
      throw e.reason() == Reason.CORRUPT ? withAdvice(e, recovery) : e;
    } catch (IOException | RuntimeException e) {
      StorageException failure = failure("cannot open", path, e);
      throw failure.reason() == Reason.CORRUPT ? withAdvice(failure, recovery) : failure;
    } finally {
      if (!opened && lock != null) {
        lock.close();
      }
    }
  }

  static int tablesIn(Path directory) {
    String[] names = directory.toFile().list();
    return names == null
        ? 0
        : Math.toIntExact(Arrays.stream(names).filter(Opening::isTable).count());
  }

  private static boolean isTable(String name) {
    return name.endsWith(".sst") || name.endsWith(".ldb");
  }

  static boolean isOne(Path directory) {
    String[] names = directory.toFile().list();
    return names != null
        && Arrays.stream(names)
            .anyMatch(
                name ->
                    isTable(name)
                        || name.endsWith(".log")
                        || name.equals(Manifest.CURRENT)
                        || name.startsWith("MANIFEST-"));
  }

  private static StorageException withAdvice(StorageException e, Recovery recovery) {
    return new StorageException(
        e.reason(), e.getMessage() + ". Nothing was changed. " + recovery.whatToDo(), e);
  }

  private static void requireGoodTables(Path path, @Nullable Manifest manifest, Recovery recovery)
      throws IOException {
    if (manifest == null) {
      return;
    }
    TableFile.Damage damage = Damage.noted(path, manifest);
    if (damage == null) {
      damage = LiveTables.check(path, manifest, recovery.checkedOfTables());
    }
    if (damage != null) {
      boolean missing = !Files.exists(damage.file());
      throw LogFileScanner.corrupt(
          damage.file(),
          damage.position(),
          missing
              ? damage.what() + ", though " + manifest.file().getFileName() + " names it"
              : damage.what());
    }
  }

  static void createDirectory(Path path) throws IOException {
    for (Path p = path; p != null; p = p.getParent()) {
      if (Files.exists(p)) {
        if (!Files.isDirectory(p)) {
          throw new StorageException(
              Reason.NOT_A_DIRECTORY,
              "cannot use "
                  + path
                  + ": "
                  + p
                  + " is not a directory. Move that file away or name another data directory");
        }
        break;
      }
    }
    Files.createDirectories(path);
  }

  /**
   * Writing is tried and not asked for: permission bits say nothing about a read-only mount, a
   * quota or a full disk.
   */
  private static void probeWritable(Path path) throws IOException {
    Path probe = path.resolve("kvorum.probe");
    try (FileChannel channel =
        FileChannel.open(
            probe,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      channel.write(ByteBuffer.wrap(new byte[] {1}));
      channel.force(true);
    }
    Files.delete(probe);
  }

  /**
   * The failure in words: LevelDB gives only texts, and Java's exceptions often no more than a
   * path.
   */
  static StorageException failure(String doing, Path path, Exception e) {
    if (e instanceof StorageException storage) {
      return storage;
    }
    String raw = e.getMessage() == null ? e.toString() : e.getMessage();
    String text = raw.toLowerCase(Locale.ROOT);
    String detail =
        e instanceof FileSystemException fs && fs.getReason() != null ? fs.getReason() : raw;
    String what = doing + " " + path + ": " + detail;
    if (e instanceof AccessDeniedException
        || e instanceof ReadOnlyFileSystemException
        || text.contains("permission denied")
        || text.contains("read-only file system")) {
      return new StorageException(
          Reason.READ_ONLY,
          doing
              + " "
              + path
              + ": it is not writable for this process ("
              + detail
              + "). Give user "
              + System.getProperty("user.name")
              + " write permission, or mount the file system writable",
          e);
    }
    if (text.contains("no space left") || text.contains("quota exceeded")) {
      return new StorageException(
          Reason.FULL, what + ". Free some space on this file system, then start again", e);
    }
    if (text.contains("resource temporarily unavailable")
        || text.contains("already held by process")) {
      return new StorageException(
          Reason.LOCKED,
          path
              + " is already in use by another process ("
              + detail
              + "). Stop that one first, or name another directory",
          e);
    }
    if (text.contains("corruption")
        || text.contains("missing files")
        || text.contains("checksum mismatch")
        || text.contains("bad magic number")
        // A block that should lie behind the end of its file.
        || text.contains(".sst: invalid argument")
        || text.contains(".ldb: invalid argument")
        || text.contains("current file does not")) {
      return new StorageException(Reason.CORRUPT, what, e);
    }
    return new StorageException(Reason.IO, what, e);
  }
}
