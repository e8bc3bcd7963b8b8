package io.kvorum.kvorumutl;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A directory for work of which nothing is kept. */
final class Scratch implements AutoCloseable {
  private static final String PREFIX = "kvorumutl-";

  private final Path directory;

  private Scratch(Path directory) {
    this.directory = directory;
  }

  /**
   * @param parent null for the system's own place for temporary files
   */
  static Scratch in(@Nullable Path parent) {
    try {
      return new Scratch(
          parent == null
              ? Files.createTempDirectory(PREFIX)
              : Files.createTempDirectory(parent, PREFIX));
    } catch (IOException e) {
      throw new RefusedException("cannot make a directory to work in: " + e, e);
    }
  }

  Path resolve(String name) {
    return directory.resolve(name);
  }

  @Override
  public void close() {
    try {
      Workshop.delete(directory);
    } catch (IOException e) {
      throw new RefusedException("cannot remove " + directory + ": " + e, e);
    }
  }
}
