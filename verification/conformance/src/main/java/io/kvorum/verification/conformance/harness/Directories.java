package io.kvorum.verification.conformance.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;

/** Making and removing the places where servers under test keep their data. */
public final class Directories {
  private Directories() {}

  /** Removes a file or a whole tree; absence is fine. */
  public static void delete(Path root) {
    if (!Files.exists(root)) return;
    try (var tree = Files.walk(root)) {
      for (var path : tree.sorted(Comparator.reverseOrder()).toList()) Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A place in memory where the machine has one, else the usual one. For runs that ask about
   * answers, not about disks: syncing is most of what a write costs.
   */
  public static Path fast() {
    var memory = Path.of("/dev/shm");
    return Files.isWritable(memory)
        ? memory
        : Path.of(System.getProperty("java.io.tmpdir", "/tmp"));
  }
}
