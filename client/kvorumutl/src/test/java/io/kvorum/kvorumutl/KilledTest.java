package io.kvorum.kvorumutl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.kvorumutl.Tool.Run;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes of the tool that are killed at random moments: there is a complete data directory then,
 * or none; and the next run makes one, and leaves nothing else behind. Replay with {@code
 * -Dkvorum.kill.seed=SEED}; {@code -Dkvorum.kills=N} kills more often.
 */
class KilledTest {
  private static final long SEED = Long.getLong("kvorum.kill.seed", System.nanoTime());
  private static final int KILLS = Integer.getInteger("kvorum.kills", 4);
  private static final int LIMIT_SECONDS = 120;

  /** More than the processes have as heap. */
  private static final int KEYS = 12_000;

  private static final int VALUE_BYTES = 4096;
  private static final int HEAP_MEBIBYTES = 32;

  @TempDir Path directory;
  private final Random random = new Random(SEED);

  @Test
  void whileItRestores() throws Exception {
    Path file = directory.resolve("snapshot.db");
    try (Member member = Member.in(directory.resolve("source"))) {
      member.fill(KEYS, VALUE_BYTES, 1).put("k", "v").delete("k").save(file);
    }
    Workshop.delete(directory.resolve("source"));
    assertTrue(Files.size(file) > (long) HEAP_MEBIBYTES << 20);
    killAtRandomMoments(file, List.of());
  }

  @Test
  void whileItImports() throws Exception {
    Path file = directory.resolve("etcd.db");
    try (InputStream packed = getClass().getResourceAsStream("/etcd-3.7.db.gz")) {
      assertNotNull(packed);
      Files.write(file, new GZIPInputStream(packed).readAllBytes());
    }
    killAtRandomMoments(file, List.of("--skip=auth"));
  }

  private void killAtRandomMoments(Path file, List<String> more) throws Exception {
    Path data = directory.resolve("data");
    Path wal = directory.resolve("log");
    List<String> command = new ArrayList<>(List.of("snapshot", "restore", file.toString()));
    command.add("--data-dir=" + data);
    command.addAll(more);
    long begun = System.nanoTime();
    Process whole = start(command);
    awaitWorkshop(whole, data);
    long beginNanos = System.nanoTime() - begun;
    assertTrue(whole.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS));
    assertEquals(0, whole.exitValue());
    long workMillis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun - beginNanos) + 1;
    String hash = hash(data);
    Workshop.delete(data);

    int unfinished = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      String round = "kill " + kill + ", replay with -Dkvorum.kill.seed=" + SEED;
      boolean apart = kill % 2 == 1;
      List<String> once = new ArrayList<>(command);
      if (apart) {
        once.add("--wal-dir=" + wal);
      }
      Process process = start(once);
      awaitWorkshop(process, data);
      // The first one at once, so that at least that finds it at work.
      var unused =
          process.waitFor(kill == 0 ? 0 : random.nextLong(workMillis), TimeUnit.MILLISECONDS);
      process.destroyForcibly();
      assertTrue(process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS));
      if (Files.exists(data)) {
        assertEquals(hash, hash(data), round);
        assertLog(apart ? wal : data.resolve("member/wal"), data, round);
        Workshop.delete(data);
        Workshop.delete(wal);
      } else {
        unfinished++;
      }
      Run again = Tool.run(once.toArray(String[]::new));
      assertEquals(0, again.exitCode(), () -> round + ": " + again.err());
      assertEquals(hash, hash(data), round);
      assertLog(apart ? wal : data.resolve("member/wal"), data, round);
      assertEquals(apart ? Set.of(data, file, wal) : Set.of(data, file), left(), round);
      Workshop.delete(data);
      Workshop.delete(wal);
    }
    assertTrue(unfinished > 0, "nothing was killed at work");
  }

  private static Process start(List<String> arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Xmx" + HEAP_MEBIBYTES + "m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Kvorumutl.class.getName()));
    command.addAll(arguments);
    return new ProcessBuilder(command)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  /** Until it has begun, or ended. */
  private static void awaitWorkshop(Process process, Path data) throws InterruptedException {
    Path begun = Workshop.directoryOf(data).resolve("data");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    while (!Files.exists(begun) && !process.waitFor(1, TimeUnit.MILLISECONDS)) {
      assertTrue(System.nanoTime() < deadline, "it does not begin");
    }
  }

  private static String hash(Path data) {
    Run run = Tool.run("hashkv", data.toString());
    assertEquals(0, run.exitCode(), run.err());
    return run.out();
  }

  private static void assertLog(Path wal, Path data, String round) {
    Run run = Tool.run("wal", "dump", "--data-dir=" + data, "--wal-dir=" + wal);
    assertEquals(0, run.exitCode(), () -> round + ": " + run.err());
    assertTrue(run.err().contains("no entries behind 1; applied up to 1"), run.err());
    assertFalse(run.err().contains("left out"), run.err());
  }

  private Set<Path> left() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.collect(Collectors.toSet());
    }
  }
}
