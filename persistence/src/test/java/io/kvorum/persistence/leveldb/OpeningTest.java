package io.kvorum.persistence.leveldb;

import static io.kvorum.persistence.leveldb.LevelDbTest.bytes;
import static io.kvorum.persistence.leveldb.LevelDbTest.options;
import static io.kvorum.persistence.leveldb.LevelDbTest.put;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvorum.persistence.leveldb.StorageException.Reason;
import io.kvorum.persistence.testing.ChildProcess;
import io.kvorum.persistence.testing.SmallDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Directories that cannot be used, and how that is said. */
class OpeningTest {

  @TempDir Path directory;

  @Test
  void createsTheDirectoryAndItsParents() {
    Path deep = directory.resolve("a/b/c");
    LevelDb.open(deep, options()).close();
    assertTrue(Files.isDirectory(deep));
  }

  @Test
  void fileInPlaceOfADirectory() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "x");
    assertRefused(file, Reason.NOT_A_DIRECTORY, "is not a directory");
    assertRefused(file.resolve("below"), Reason.NOT_A_DIRECTORY, file + " is not a directory");
  }

  @Test
  void secondOpeningInThisProcess() {
    try (LevelDb db = LevelDb.open(directory, options())) {
      assertRefused(directory, Reason.LOCKED, "already in use by this same process");
      put(db, "a", "1");
    }
    LevelDb.open(directory, options()).close();
  }

  @Test
  void openInAnotherProcess() throws Exception {
    try (ChildProcess child = ChildProcess.start(Holder.class, directory.toString())) {
      assertEquals("open", child.line());
      assertRefused(
          directory, Reason.LOCKED, "already in use by another process (pid " + child.pid() + ")");
      child.kill();
    }
    try (LevelDb db = LevelDb.open(directory, options())) {
      assertArrayEquals(bytes("1"), db.get(bytes("a")));
    }
  }

  /** Opens a database, writes to it, says so, and holds it until it is killed. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] args) throws IOException {
      try (LevelDb db = LevelDb.open(Path.of(args[0]), options())) {
        put(db, "a", "1");
        ChildProcess.say("open");
        ChildProcess.waitForEndOfInput();
      }
    }
  }

  @Test
  void readOnlyFileSystem() throws Exception {
    try (SmallDisk disk = SmallDisk.mount(directory.resolve("disk"), 1)) {
      Path db = Files.createDirectory(disk.path().resolve("db"));
      disk.remountReadOnly();
      assertRefused(db, Reason.READ_ONLY, "not writable", "mount the file system writable");
      assertRefused(disk.path().resolve("new"), Reason.READ_ONLY, "not writable");
    }
  }

  @Test
  void directoryWithoutPermission() throws IOException {
    Path locked = Files.createDirectory(directory.resolve("locked"));
    assumeTrue(
        locked.toFile().setWritable(false) && !Files.isWritable(locked),
        "this user may write anywhere");
    assertRefused(locked, Reason.READ_ONLY, "write permission");
  }

  @Test
  void fullDiskIsRefused() throws Exception {
    try (SmallDisk disk = SmallDisk.mount(directory.resolve("disk"), 4)) {
      LevelDbOptions eightMiB = options().withMinFreeBytes(8L << 20);
      StorageException refused =
          assertThrows(
              StorageException.class, () -> LevelDb.open(disk.path().resolve("db"), eightMiB));
      assertEquals(Reason.FULL, refused.reason());
      assertMessage(refused, disk.path().toString(), "MiB free");
    }
  }

  @Test
  void diskThatFillsUpWhileRunning() throws Exception {
    try (SmallDisk disk = SmallDisk.mount(directory.resolve("disk"), 48)) {
      LevelDbOptions small = options().withWriteBufferBytes(256 << 10).withMinFreeBytes(16L << 20);
      Path path = disk.path().resolve("db");
      int written = 0;
      try (LevelDb db = LevelDb.open(path, small)) {
        @Nullable StorageException full = null;
        byte[] value = new byte[8 << 10];
        new Random(1).nextBytes(value);
        while (full == null && written < 10_000) {
          full = tryPut(db, written, value);
          written += full == null ? 1 : 0;
        }
        assertNotNull(full);
        assertEquals(Reason.FULL, full.reason());
        assertMessage(full, "disk full", path.toString(), "nothing was written");
        assertArrayEquals(value, db.get(bytes("k" + (written - 1))));

        // Space returns, and writes with it.
        disk.grow(96);
        assertNull(tryPut(db, written, value));
      }
      try (LevelDb db = LevelDb.open(path, small)) {
        for (int i = 0; i <= written; i++) {
          assertNotNull(db.get(bytes("k" + i)), "k" + i);
        }
      }
    }
  }

  private static @Nullable StorageException tryPut(LevelDb db, int i, byte[] value) {
    try (LevelDb.Batch batch = db.batch()) {
      batch.put(bytes("k" + i), value);
      db.write(batch, true);
      return null;
    } catch (StorageException e) {
      return e;
    }
  }

  @Test
  void missingTable() throws IOException {
    Path table = databaseWithATable();
    Files.delete(table);
    assertRefused(directory, Reason.CORRUPT, table.getFileName().toString(), "join again");
  }

  @Test
  void damagedTableIsNoticedWhenItIsRead() throws IOException {
    Path table = databaseWithATable();
    byte[] content = Files.readAllBytes(table);
    content[100] ^= 1;
    Files.write(table, content);
    String name = table.getFileName().toString();
    // Where every write is synced, all tables are looked at before anything is read.
    assertRefused(directory, Reason.CORRUPT, name + " is damaged at byte 0", "join again");
    try (LevelDb db = LevelDb.open(directory, options(), Recovery.KEEP_PREFIX)) {
      StorageException damaged = assertThrows(StorageException.class, () -> db.get(bytes("k0")));
      assertEquals(Reason.CORRUPT, damaged.reason());
      assertMessage(damaged, directory.toString());
      assertMessage(db.named(damaged), name + " is damaged at byte 0", "kvorumutl member rebuild");
      assertThrows(StorageException.class, () -> db.get(bytes("somewhere else")));
    }
  }

  @Test
  void damagedIndexIsNoticedAtOpening() throws IOException {
    Path table = databaseWithATable();
    byte[] content = Files.readAllBytes(table);
    content[content.length - 48 - 20] ^= 1;
    Files.write(table, content);
    StorageException refused =
        assertThrows(
            StorageException.class, () -> LevelDb.open(directory, options(), Recovery.KEEP_PREFIX));
    assertEquals(Reason.CORRUPT, refused.reason());
    assertMessage(refused, table.getFileName() + " is damaged at byte", "index: checksum mismatch");
  }

  private Path databaseWithATable() throws IOException {
    try (LevelDb db = LevelDb.open(directory, options())) {
      for (int i = 0; i < 10; i++) {
        put(db, "k" + i, "value " + i);
      }
      db.compactRange(bytes("k"), bytes("l"));
    }
    try (Stream<Path> files = Files.list(directory)) {
      List<Path> tables = files.filter(f -> f.toString().endsWith(".sst")).toList();
      assertEquals(1, tables.size());
      return tables.getFirst();
    }
  }

  private static void assertRefused(Path path, Reason reason, String... parts) {
    StorageException refused =
        assertThrows(StorageException.class, () -> LevelDb.open(path, options()));
    assertEquals(reason, refused.reason(), refused.getMessage());
    assertMessage(refused, path.toString());
    assertMessage(refused, parts);
  }

  private static void assertMessage(Exception e, String... parts) {
    for (String part : parts) {
      assertTrue(
          String.valueOf(e.getMessage()).contains(part),
          () -> "'" + part + "' in: " + e.getMessage());
    }
  }
}
