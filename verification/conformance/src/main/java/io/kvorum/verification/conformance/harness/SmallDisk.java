package io.kvorum.verification.conformance.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;

/**
 * A file system of a few mebibytes of its own, which can be filled up or made read-only. Needs the
 * right to mount.
 */
public final class SmallDisk implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final int BLOCK_BYTES = 4096;

  private final Path root;

  private SmallDisk(Path root) {
    this.root = root;
  }

  /** Empty when this process may not mount anything. */
  public static Optional<SmallDisk> mount(int mebibytes) {
    try {
      var root = Files.createTempDirectory("disk-");
      var mounted =
          Command.run(
              LIMIT,
              "mount",
              "-t",
              "tmpfs",
              "-o",
              "size=" + mebibytes + "m",
              "none",
              root.toString());
      if (mounted.exitCode() == 0) return Optional.of(new SmallDisk(root));
      Files.delete(root);
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public Path root() {
    return root;
  }

  /** Uses up all space that is left. */
  public void fill() {
    var block = ByteBuffer.allocate(BLOCK_BYTES);
    try (var file =
        FileChannel.open(filler(), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      while (true) {
        int unused = file.write(block.clear());
      }
    } catch (IOException full) {
      if (!String.valueOf(full.getMessage()).contains("No space left"))
        throw new UncheckedIOException(full);
    }
  }

  /** Gives the filled space back. */
  public void free() {
    Directories.delete(filler());
  }

  public void makeReadOnly() {
    var remounted = Command.run(LIMIT, "mount", "-o", "remount,ro", root.toString());
    if (remounted.exitCode() != 0) throw new IllegalStateException(remounted.err());
  }

  private Path filler() {
    return root.resolve("filler");
  }

  @Override
  public void close() {
    Await.until(
        "unmounted " + root,
        LIMIT,
        () -> Command.run(LIMIT, "umount", root.toString()).exitCode() == 0);
    Directories.delete(root);
  }
}
