package io.kvorum.persistence.leveldb;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How many files this process may have open, and what LevelDB may take of that. */
final class Descriptors {

  /** So many tables LevelDB maps into memory and closes; of the others it keeps descriptors. */
  private static final int MAPPED_TABLES = 1000;

  /** Where the limit cannot be told: it is hardly ever less. */
  private static final int ASSUMED_LIMIT = 1024;

  private static final String LIMIT_LINE = "Max open files";

  private static final Logger log = LoggerFactory.getLogger(Descriptors.class);

  private Descriptors() {}

  /**
   * So many of the tables wanted that half of the descriptors stay for connections and all else.
   */
  static int openTables(int wanted) {
    return Math.min(wanted, MAPPED_TABLES + Limit.FILES / 2);
  }

  private static final class Limit {
    private static final int FILES = read();

    /** The JVM has raised it to what it may be. */
    private static int read() {
      try {
        for (String line :
            Files.readAllLines(Path.of("/proc/self/limits"), StandardCharsets.US_ASCII)) {
          if (line.startsWith(LIMIT_LINE)) {
            String soft = line.substring(LIMIT_LINE.length()).strip().split(" ", 2)[0];
            return soft.equals("unlimited")
                ? Integer.MAX_VALUE
                : (int) Math.min(Integer.MAX_VALUE, Long.parseLong(soft));
          }
        }
      } catch (IOException | NumberFormatException e) {
        log.debug("cannot tell how many files may be open, so {}", ASSUMED_LIMIT, e);
      }
      return ASSUMED_LIMIT;
    }
  }
}
