package io.kvorum.persistence.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A file system in memory, of a few MiB. Whoever may not mount one skips the test. */
public final class SmallDisk implements AutoCloseable {

  private final Path path;

  private SmallDisk(Path path) {
    this.path = path;
  }

  public static SmallDisk mount(Path path, int mebibytes) throws IOException, InterruptedException {
    Files.createDirectories(path);
    assumeTrue(
        run(
            "mount",
            "-t",
            "tmpfs",
            "-o",
            "size=" + mebibytes + "m",
            "kvorum-test",
            path.toString()),
        "mounting a tmpfs needs root");
    return new SmallDisk(path);
  }

  public Path path() {
    return path;
  }

  public void remountReadOnly() throws IOException, InterruptedException {
    require(run("mount", "-o", "remount,ro", path.toString()));
  }

  /** Makes room. */
  public void grow(int mebibytes) throws IOException, InterruptedException {
    require(run("mount", "-o", "remount,size=" + mebibytes + "m", path.toString()));
  }

  private static void require(boolean done) {
    if (!done) {
      throw new IllegalStateException("mount failed");
    }
  }

  private static boolean run(String... command) throws IOException, InterruptedException {
    Process process;
    try {
      process =
          new ProcessBuilder(List.of(command))
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException notInstalled) {
      return false;
    }
    return process.waitFor(30, TimeUnit.SECONDS) && process.exitValue() == 0;
  }

  @Override
  public void close() throws IOException, InterruptedException {
    // Lazily: a database that a failed test left open must not keep the mount.
    require(run("umount", "-l", path.toString()));
  }
}
