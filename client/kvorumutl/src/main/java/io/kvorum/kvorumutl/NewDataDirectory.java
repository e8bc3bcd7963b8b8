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
 * A data directory in the making: built in a directory beside its place, and moved there, whole and
 * synced, in one step. Until then there is nothing in its place, whatever ends the process; what a
 * killed one has left beside it is removed by the next.
 */
final class NewDataDirectory implements AutoCloseable {
  private final Path target;
  private final Path workshop;
  private final DirectoryLock lock;
  private final Path building;

  private NewDataDirectory(Path target, Path workshop, DirectoryLock lock) {
    this.target = target;
    this.workshop = workshop;
    this.lock = lock;
    this.building = workshop.resolve("data");
  }

  /**
   * @throws RefusedException if there is something in its place
   * @throws io.kvorum.persistence.leveldb.StorageException if another process is making it
   */
  static NewDataDirectory at(Path place) {
    Path target = place.toAbsolutePath().normalize();
    Path parent = target.getParent();
    if (parent == null) {
      throw new RefusedException("--data-dir=" + place + " is no place for a data directory");
    }
    requireFree(target);
    try {
      Files.createDirectories(parent);
    } catch (IOException e) {
      throw new RefusedException("cannot create " + parent + ": " + e, e);
    }
    Path workshop = parent.resolve("." + target.getFileName() + ".importing");
    DirectoryLock lock = DirectoryLock.hold(workshop);
    NewDataDirectory made = new NewDataDirectory(target, workshop, lock);
    boolean ready = false;
    try {
      delete(made.building);
      Files.createDirectory(
          made.building,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      ready = true;
      return made;
    } catch (IOException e) {
      throw new RefusedException("cannot use " + workshop + ": " + e, e);
    } finally {
      if (!ready) {
        lock.close();
      }
    }
  }

  private static void requireFree(Path target) {
    if (!Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (DirectoryStream<Path> content = Files.newDirectoryStream(target)) {
      if (!content.iterator().hasNext()) {
        return;
      }
    } catch (IOException e) {
      throw new RefusedException(target + " exists and is no directory that can be used: " + e, e);
    }
    throw new RefusedException(
        target + " exists already and is not empty. Name another --data-dir, or move that away");
  }

  /** Where to build what will lie at {@code inTarget}, a path below the place. */
  Path building(Path inTarget) {
    return building.resolve(target.relativize(inTarget.toAbsolutePath().normalize()));
  }

  /** Syncs everything and moves it to its place. */
  void publish() {
    try {
      for (Path path : tree(building)) {
        force(path);
      }
      Files.move(building, target, StandardCopyOption.ATOMIC_MOVE);
      Path parent = target.getParent();
      if (parent != null) {
        force(parent);
      }
    } catch (AtomicMoveNotSupportedException e) {
      throw new RefusedException(
          target + " is another file system than the directory around it. Name a directory below",
          e);
    } catch (IOException e) {
      throw new RefusedException("cannot put the finished data directory in its place: " + e, e);
    }
  }

  private static void force(Path path) throws IOException {
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

  private static void delete(Path directory) throws IOException {
    if (Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      for (Path path : tree(directory)) {
        Files.deleteIfExists(path);
      }
    }
  }

  @Override
  public void close() {
    try {
      delete(building);
      lock.close();
      delete(workshop);
    } catch (IOException e) {
      throw new RefusedException("cannot remove " + workshop + ": " + e, e);
    }
  }
}
