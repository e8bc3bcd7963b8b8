package io.kvorum.kvorumutl;

import io.kvorum.persistence.leveldb.DirectoryLock;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where a directory is built that shall appear in its place whole, or not at all: in a directory of
 * a name derived from it, beside its place, so that moving it there is one step. Whoever builds
 * holds a lock in it; so the rest of a killed process is told from the work of one that runs.
 */
final class Workshop implements AutoCloseable {
  private static final String SUFFIX = ".unfinished";

  private final Path place;
  private final Path directory;
  private final DirectoryLock lock;
  private final Path building;

  private Workshop(Path place, Path directory, DirectoryLock lock) {
    this.place = place;
    this.directory = directory;
    this.lock = lock;
    this.building = buildingOf(directory);
  }

  /** The workshop for a place, if it were open. */
  static Path directoryOf(Path place) {
    return place.resolveSibling("." + place.getFileName() + SUFFIX);
  }

  private static Path buildingOf(Path directory) {
    return directory.resolve("data");
  }

  /**
   * Takes hold of it, and makes the directories above. What a killed process has left in it stays
   * for now.
   *
   * @param place absolute, and no root
   * @throws io.kvorum.persistence.leveldb.StorageException if another process builds there
   */
  static Workshop open(Path place) {
    Path directory = directoryOf(place);
    return new Workshop(place, directory, DirectoryLock.hold(directory));
  }

  /**
   * @param flag that names the place
   * @throws RefusedException if there is anything
   */
  static void requireFree(Path place, String flag) {
    if (!Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (DirectoryStream<Path> content = Files.newDirectoryStream(place)) {
      if (!content.iterator().hasNext()) {
        return;
      }
    } catch (IOException e) {
      throw new RefusedException(place + " exists and is no directory that can be used: " + e, e);
    }
    throw new RefusedException(
        place + " exists already and is not empty. Name another " + flag + ", or move that away");
  }

  Path place() {
    return place;
  }

  /** Beside what is built: for notes. */
  Path directory() {
    return directory;
  }

  Path building() {
    return building;
  }

  /** Whether there is something that was begun and not put into its place. */
  boolean isBegun() {
    return Files.exists(building, LinkOption.NOFOLLOW_LINKS);
  }

  /** Begins with an empty directory. */
  void begin() throws IOException {
    delete(building);
    Files.createDirectory(
        building,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }

  void sync() throws IOException {
    for (Path path : tree(building)) {
      force(path);
    }
    force(directory);
  }

  /** What was synced goes to its place, durably. */
  void publish() throws IOException {
    try {
      Files.move(building, place, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw new RefusedException(
          place + " is another file system than the directory around it. Name a directory below",
          e);
    }
    Path parent = place.getParent();
    if (parent != null) {
      force(parent);
    }
  }

  static void force(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** What lies in a directory, from the deepest up to itself. */
  private static List<Path> tree(Path directory) throws IOException {
    try (Stream<Path> tree = Files.walk(directory)) {
      return tree.sorted(Comparator.reverseOrder()).toList();
    }
  }

  static void delete(Path directory) throws IOException {
    if (Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      for (Path path : tree(directory)) {
        Files.deleteIfExists(path);
      }
    }
  }

  /** Removes it, with what was not published. */
  @Override
  public void close() {
    try {
      delete(building);
      lock.close();
      delete(directory);
    } catch (IOException e) {
      throw new RefusedException("cannot remove " + directory + ": " + e, e);
    }
  }
}
