package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.DirectoryLock;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.leveldb.StorageException.Reason;
import io.kvorum.protocol.LogPosition;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directory of a keyspace. Below it lie LevelDB directories, called generations and numbered
 * upwards, and one small file that names the one in force; without it that is the first. Each
 * installed snapshot is a generation of its own, complete before the file names it. So replacing
 * that file, which is atomic, is the switch, and every other generation is rubbish at a start.
 *
 * <p>The same file says, from the switch on, that the log has still to be set to the snapshot's
 * position. So a keyspace that is ahead of its log is known for what it is, whenever the process
 * ends.
 */
final class KeyspaceDirectory implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(KeyspaceDirectory.class);

  static final String POINTER = "current-generation";

  private static final String REPLACEMENT = POINTER + ".new";
  private static final String FIRST_LINE = "kvorum keyspace 1";
  static final int FIRST_GENERATION = 1;
  private static final int NO_GENERATION = 0;

  /** What was set aside carries this behind its name, and a number if there is one already. */
  private static final String ASIDE = ".damaged";

  private static final Pattern GENERATION = Pattern.compile("generation-(\\d{1,9})");
  private static final Pattern CONTENT =
      Pattern.compile(
          "("
              + FIRST_LINE
              + "\ngeneration (\\d{1,9})\n(?:installed (\\d{1,19}) (\\d{1,19})\n)?)"
              + "crc32c ([0-9a-f]{8})\n");

  /**
   * What the file says.
   *
   * @param installed the position of the snapshot that the generation began as, while the log is
   *     not known to begin there
   */
  private record Pointer(int generation, @Nullable LogPosition installed) {}

  private final Path path;
  private final DirectoryLock lock;
  private Pointer pointer;
  private int newest;

  private KeyspaceDirectory(Path path, DirectoryLock lock, Pointer pointer, int newest) {
    this.path = path;
    this.lock = lock;
    this.pointer = pointer;
    this.newest = newest;
  }

  /**
   * Takes hold of the directory, which is created if missing.
   *
   * @throws StorageException if it cannot be used, or does not say which generation is in force
   */
  static KeyspaceDirectory open(Path directory) {
    Path path = directory.toAbsolutePath().normalize();
    DirectoryLock lock = DirectoryLock.hold(path);
    boolean opened = false;
    try {
      List<Integer> generations = generations(path);
      Pointer pointer = read(path, generations);
      int newest =
          Math.max(pointer.generation(), generations.isEmpty() ? 0 : generations.getLast());
      opened = true;
      return new KeyspaceDirectory(path, lock, pointer, newest);
    } catch (IOException e) {
      throw failed(path, e);
    } finally {
      if (!opened) {
        lock.close();
      }
    }
  }

  /**
   * Takes hold of a directory whose content is to be replaced, and believes nothing of it.
   *
   * @throws StorageException if it cannot be used
   */
  static KeyspaceDirectory openUnread(Path directory) {
    Path path = directory.toAbsolutePath().normalize();
    DirectoryLock lock = DirectoryLock.hold(path);
    boolean opened = false;
    try {
      List<Integer> generations = generations(path);
      int newest = generations.isEmpty() ? 0 : generations.getLast();
      opened = true;
      return new KeyspaceDirectory(path, lock, new Pointer(NO_GENERATION, null), newest);
    } catch (IOException e) {
      throw failed(path, e);
    } finally {
      if (!opened) {
        lock.close();
      }
    }
  }

  /** Where a keyspace lies as long as nothing has replaced it. */
  static Path firstGeneration(Path directory) {
    return directory.resolve("generation-" + FIRST_GENERATION);
  }

  /** How many tables lie in all generations together, as far as they can be read. */
  static int tablesIn(Path directory) {
    int tables = 0;
    String[] names = directory.toFile().list();
    for (String name : names == null ? new String[0] : names) {
      if (GENERATION.matcher(name).matches()) {
        tables += LevelDb.tablesIn(directory.resolve(name));
      }
    }
    return tables;
  }

  private static Pointer read(Path path, List<Integer> generations) throws IOException {
    byte[] content;
    try {
      content = Files.readAllBytes(path.resolve(POINTER));
    } catch (NoSuchFileException e) {
      if (Files.exists(path.resolve("CURRENT"))
          || (!generations.isEmpty() && generations.getFirst() != FIRST_GENERATION)) {
        throw unreadable(path, "is missing");
      }
      return new Pointer(FIRST_GENERATION, null);
    }
    Matcher matcher = CONTENT.matcher(new String(content, StandardCharsets.US_ASCII));
    if (!matcher.matches() || !matcher.group(5).equals(checksum(matcher.group(1)))) {
      throw unreadable(path, "is damaged");
    }
    int generation = Integer.parseInt(matcher.group(2));
    if (!generations.contains(generation)) {
      throw unreadable(path, "names generation " + generation + ", which is not there");
    }
    return new Pointer(
        generation,
        matcher.group(3) == null
            ? null
            : new LogPosition(Long.parseLong(matcher.group(3)), Long.parseLong(matcher.group(4))));
  }

  private static StorageException unreadable(Path path, String how) {
    return new StorageException(
        Reason.CORRUPT,
        path.resolve(POINTER)
            + " "
            + how
            + ": it cannot be told which of the directories beside it holds the keyspace. "
            + Recovery.KEEP_PREFIX.whatToDo());
  }

  private static List<Integer> generations(Path path) throws IOException {
    try (Stream<Path> files = Files.list(path)) {
      return files
          .map(file -> GENERATION.matcher(file.getFileName().toString()))
          .filter(Matcher::matches)
          .map(name -> Integer.valueOf(name.group(1)))
          .sorted()
          .toList();
    }
  }

  Path path() {
    return path;
  }

  /** The generation in force. */
  synchronized Path current() {
    return generation(pointer.generation());
  }

  /** The position of an installed snapshot whose log was not yet said to begin there. */
  synchronized Optional<LogPosition> unfinishedInstall() {
    return Optional.ofNullable(pointer.installed());
  }

  /** The number of a generation that never was. */
  synchronized int nextGeneration() {
    return ++newest;
  }

  Path generation(int number) {
    return path.resolve("generation-" + number);
  }

  /** What a switch, or a transfer, that did not come to its end has left. */
  synchronized void deleteOthers() {
    try {
      Files.deleteIfExists(path.resolve(REPLACEMENT));
      for (int generation : generations(path)) {
        if (generation != pointer.generation()) {
          log.info("removing {}, which is not in force", generation(generation));
          delete(generation(generation));
        }
      }
    } catch (IOException e) {
      throw failed(path, e);
    }
  }

  /**
   * Names another generation, complete and synced, as the one in force. After a failure the disk
   * may say either; the caller must not go on but try again.
   */
  synchronized void switchTo(int generation, LogPosition installed) {
    write(new Pointer(generation, installed));
  }

  /**
   * Names a generation that was made while nobody used the keyspace.
   *
   * @param installed see {@link #unfinishedInstall}
   */
  synchronized void switchToRebuilt(int generation, @Nullable LogPosition installed) {
    write(new Pointer(generation, installed));
  }

  /** Renames every generation that is not in force; says to what. */
  synchronized List<Path> setOthersAside() {
    List<Path> aside = new ArrayList<>();
    try {
      for (int generation : generations(path)) {
        if (generation != pointer.generation()) {
          aside.add(setAside(generation(generation)));
        }
      }
      force(path);
      return aside;
    } catch (IOException e) {
      throw failed(path, e);
    }
  }

  /** Renames everything, so that there is no keyspace; says to what. */
  synchronized List<Path> setAllAside() {
    List<Path> aside = new ArrayList<>();
    try {
      // The oldest generation last: without it and without the file nothing can be opened.
      if (Files.exists(path.resolve(POINTER))) {
        aside.add(setAside(path.resolve(POINTER)));
      }
      for (int generation : generations(path).reversed()) {
        aside.add(setAside(generation(generation)));
      }
      force(path);
      return aside;
    } catch (IOException e) {
      throw failed(path, e);
    }
  }

  private static Path setAside(Path file) throws IOException {
    Path aside = file.resolveSibling(file.getFileName() + ASIDE);
    for (int n = 2; Files.exists(aside); n++) {
      aside = file.resolveSibling(file.getFileName() + ASIDE + n);
    }
    return Files.move(file, aside, StandardCopyOption.ATOMIC_MOVE);
  }

  /** The log begins where the installed snapshot ends, durably. */
  synchronized void installFinished() {
    if (pointer.installed() != null) {
      write(new Pointer(pointer.generation(), null));
    }
  }

  private void write(Pointer next) {
    LogPosition installed = next.installed();
    String text =
        FIRST_LINE
            + "\ngeneration "
            + next.generation()
            + "\n"
            + (installed == null
                ? ""
                : "installed " + installed.index() + " " + installed.term() + "\n");
    byte[] content = (text + "crc32c " + checksum(text) + "\n").getBytes(StandardCharsets.US_ASCII);
    Path replacement = path.resolve(REPLACEMENT);
    try {
      force(path);
      try (FileChannel channel =
          FileChannel.open(
              replacement,
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE,
              StandardOpenOption.TRUNCATE_EXISTING)) {
        ByteBuffer bytes = ByteBuffer.wrap(content);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        channel.force(true);
      }
      Files.move(
          replacement,
          path.resolve(POINTER),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
      force(path);
    } catch (IOException e) {
      throw failed(path, e);
    }
    pointer = next;
  }

  private static String checksum(String text) {
    CRC32C crc = new CRC32C();
    crc.update(text.getBytes(StandardCharsets.US_ASCII));
    return String.format("%08x", (int) crc.getValue());
  }

  private static void force(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Removes a directory and what is in it, some of which may be gone already. */
  static void delete(Path directory) throws IOException {
    List<Path> files;
    try (Stream<Path> tree = Files.walk(directory)) {
      files = tree.sorted(Comparator.reverseOrder()).toList();
    } catch (NoSuchFileException gone) {
      return;
    }
    for (Path file : files) {
      Files.deleteIfExists(file);
    }
  }

  private static StorageException failed(Path path, IOException e) {
    return new StorageException(Reason.IO, "cannot use the keyspace in " + path + ": " + e, e);
  }

  @Override
  public void close() {
    lock.close();
  }
}
