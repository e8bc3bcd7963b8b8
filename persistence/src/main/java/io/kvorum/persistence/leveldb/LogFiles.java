package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The numbered {@code *.log} files of a LevelDB directory. */
final class LogFiles {

  private static final Logger log = LoggerFactory.getLogger(LogFiles.class);

  private static final Pattern NAME = Pattern.compile("(\\d+)\\.log");

  private LogFiles() {}

  static Path path(Path directory, long number) {
    return directory.resolve("%06d.log".formatted(number));
  }

  /** All of them, by number. */
  static SortedMap<Long, Path> list(Path directory) throws IOException {
    SortedMap<Long, Path> logs = new TreeMap<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Matcher name = NAME.matcher(file.getFileName().toString());
        if (name.matches()) {
          logs.put(Long.valueOf(name.group(1)), file);
        }
      }
    }
    return logs;
  }

  /**
   * Makes the content of every log file, and their names, durable. Pages written through a memory
   * map are included.
   */
  static void force(Path directory) throws IOException {
    for (Path file : list(directory).values()) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.force(false);
      } catch (NoSuchFileException gone) {
        // LevelDB deletes a log only once its content is in a synced table: nothing is left to
        // force.
        log.trace("{} went into a table meanwhile", file);
      }
    }
    forceDirectory(directory);
  }

  /** Makes created, renamed and removed names durable. */
  static void forceDirectory(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
