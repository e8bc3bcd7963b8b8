package io.kvorum.kvorumutl;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A data directory in the making: built in a directory beside its place, and moved there, whole and
 * synced, in one step. Until then there is nothing in its place, whatever ends the process; what a
 * killed one has left is removed by the next.
 *
 * <p>A log elsewhere takes a second step, and is moved first. Until the data directory follows, a
 * mark in the log's directory and a note with the same mark beside the data directory tell that it
 * belongs to nothing; then it is removed with the rest.
 */
final class NewDataDirectory implements AutoCloseable {
  /** In the log's directory, until all is in its place. */
  private static final String MARK = "kvorum.unfinished";

  /** In the data directory's workshop: the mark, and where the log is. */
  private static final String NOTE = "separate-log";

  private final Workshop data;
  private final @Nullable Workshop wal;
  private final Path walPlace;
  private boolean published;

  private NewDataDirectory(Workshop data, @Nullable Workshop wal, Path walPlace) {
    this.data = data;
    this.wal = wal;
    this.walPlace = walPlace;
  }

  /**
   * @param walDirectory where the log shall be, inside of it or elsewhere
   * @throws RefusedException if there is something in its place
   * @throws io.kvorum.persistence.leveldb.StorageException if another process is making it
   */
  static NewDataDirectory at(Path dataDirectory, Path walDirectory) {
    Path place = place(dataDirectory, "--data-dir");
    Path walPlace = place(walDirectory, "--wal-dir");
    Workshop.requireFree(place, "--data-dir");
    Workshop data = Workshop.open(place);
    Workshop wal = null;
    boolean ready = false;
    try {
      removeAbandonedLog(data);
      data.begin();
      if (!walPlace.startsWith(place)) {
        Workshop.requireFree(walPlace, "--wal-dir");
        String mark = UUID.randomUUID().toString();
        Path note = data.directory().resolve(NOTE);
        Files.write(note, List.of(mark, walPlace.toString()), UTF_8);
        Workshop.force(note);
        wal = Workshop.open(walPlace);
        wal.begin();
        Files.writeString(wal.building().resolve(MARK), mark);
      }
      ready = true;
      return new NewDataDirectory(data, wal, walPlace);
    } catch (IOException e) {
      throw new RefusedException("cannot use " + data.directory() + ": " + e, e);
    } finally {
      if (!ready) {
        if (wal != null) {
          wal.close();
        }
        data.close();
      }
    }
  }

  private static Path place(Path named, String flag) {
    Path place = named.toAbsolutePath().normalize();
    if (place.getParent() == null) {
      throw new RefusedException(flag + "=" + named + " is no place for data");
    }
    return place;
  }

  /** A log in its place whose data directory has not followed. */
  private static void removeAbandonedLog(Workshop data) throws IOException {
    Path note = data.directory().resolve(NOTE);
    if (data.isBegun() && Files.exists(note)) {
      List<String> lines = Files.readAllLines(note);
      if (lines.size() == 2) {
        Path log = Path.of(lines.get(1));
        if (markIn(log).equals(lines.getFirst())) {
          Workshop.delete(log);
        }
        if (Files.exists(Workshop.directoryOf(log))) {
          Workshop.open(log).close();
        }
      }
    }
    Files.deleteIfExists(note);
  }

  private static String markIn(Path log) throws IOException {
    try {
      return Files.readString(log.resolve(MARK)).strip();
    } catch (NoSuchFileException e) {
      return "";
    }
  }

  /** Where to build what will lie at {@code inPlace}, a path below the data directory. */
  Path building(Path inPlace) {
    return data.building().resolve(data.place().relativize(inPlace.toAbsolutePath().normalize()));
  }

  /** Where to build the log. */
  Path buildingLog() {
    return wal == null ? building(walPlace) : wal.building();
  }

  /** Syncs everything and moves it to its place. */
  void publish() {
    try {
      data.sync();
      if (wal != null) {
        wal.sync();
        wal.publish();
      }
      data.publish();
      published = true;
      if (wal != null) {
        Files.delete(walPlace.resolve(MARK));
      }
    } catch (IOException e) {
      throw new RefusedException("cannot put the finished data directory in its place: " + e, e);
    }
  }

  @Override
  public void close() {
    try {
      if (wal != null) {
        wal.close();
      }
      if (!published) {
        removeAbandonedLog(data);
      }
    } catch (IOException e) {
      throw new RefusedException("cannot remove " + walPlace + ": " + e, e);
    } finally {
      data.close();
    }
  }
}
