package io.kvorum.persistence.leveldb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A database with a background thread of its own beside one whose thread is busy. */
@EnabledOnOs(OS.LINUX)
@Timeout(60)
final class OwnThreadTest {

  private static final int BUFFER_BYTES = 64 << 10;

  /** So many buffers cannot be written without a flush in between. */
  private static final int BUFFERS = 6;

  private static final byte[] FIRST = {0};
  private static final byte[] LAST = {(byte) 0xff};

  /** Not the common pool's: that may have a single one. */
  private static final Executor THREADS =
      task -> Thread.ofPlatform().daemon().name("own-thread-test").start(task);

  @TempDir Path directory;

  @BeforeEach
  void nativeLibrary() {
    assumeTrue(Opening.preferredEngine() == Opening.Kind.NATIVE);
  }

  @Test
  void thereIsASecondEnvironment() {
    assertTrue(SecondEnvironment.exists());
  }

  @Test
  void writesGoOnWhileTheOtherThreadHangs() throws Exception {
    Path busy = directory.resolve("busy");
    twoTables(busy);
    try (LevelDb db = LevelDb.open(busy, options());
        HangingTable table = HangingTable.under(busy)) {
      CompletableFuture<Void> compaction =
          CompletableFuture.runAsync(() -> db.compactRange(FIRST, LAST), THREADS);
      try (LevelDb own = LevelDb.open(directory.resolve("own"), options().withOwnThread(true))) {
        CompletableFuture.runAsync(() -> write(own), THREADS).get(20, TimeUnit.SECONDS);
      }
      assertTrue(!compaction.isDone(), "the other thread did not hang");
      table.letGo();
      compaction.get(20, TimeUnit.SECONDS);
    }
  }

  private static LevelDbOptions options() {
    return LevelDbOptions.defaults().withWriteBufferBytes(BUFFER_BYTES).withMinFreeBytes(0);
  }

  /** Opening a database makes a table of its log. */
  private static void twoTables(Path busy) {
    for (int i = 0; i < 3; i++) {
      try (LevelDb db = LevelDb.open(busy, options());
          LevelDb.Batch batch = db.batch()) {
        batch.put(FIRST, new byte[] {1});
        batch.put(LAST, new byte[] {1});
        db.write(batch, false);
      }
    }
  }

  private static void write(LevelDb db) {
    for (int i = 0; i < BUFFERS * 16; i++) {
      try (LevelDb.Batch batch = db.batch()) {
        batch.put(("key " + i).getBytes(StandardCharsets.US_ASCII), new byte[BUFFER_BYTES / 16]);
        db.write(batch, false);
      }
    }
  }

  /** A pipe without a writer in the place of a table: who opens it hangs. */
  private static final class HangingTable implements AutoCloseable {
    private final Path table;
    private final Path kept;
    private final Path pipe;
    private boolean hangs = true;

    private HangingTable(Path table) throws Exception {
      this.table = table;
      this.kept = table.resolveSibling("kept");
      this.pipe = table.resolveSibling("pipe");
      Files.move(table, kept);
      assertEquals(0, new ProcessBuilder("mkfifo", table.toString()).start().waitFor());
      Files.createLink(pipe, table);
    }

    static HangingTable under(Path database) throws Exception {
      try (Stream<Path> files = Files.list(database)) {
        return new HangingTable(
            files
                .filter(file -> file.toString().endsWith(".sst"))
                .sorted()
                .findFirst()
                .orElseThrow());
      }
    }

    /** The table is in its place again when the one that hangs has failed, and tries once more. */
    void letGo() throws Exception {
      if (hangs) {
        hangs = false;
        Files.move(kept, table, StandardCopyOption.REPLACE_EXISTING);
        CompletableFuture<Void> opened =
            CompletableFuture.runAsync(
                () -> {
                  try (FileChannel writer = FileChannel.open(pipe, StandardOpenOption.WRITE)) {
                    assertTrue(writer.isOpen());
                  } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                  }
                },
                THREADS);
        opened.get(Duration.ofSeconds(20).toMillis(), TimeUnit.MILLISECONDS);
      }
    }

    @Override
    public void close() throws Exception {
      letGo();
    }
  }
}
