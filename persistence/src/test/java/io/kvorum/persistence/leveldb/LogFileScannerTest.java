package io.kvorum.persistence.leveldb;

import static io.kvorum.persistence.leveldb.LevelDbTest.bytes;
import static io.kvorum.persistence.leveldb.LevelDbTest.options;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Damaged logs. Each test starts from the directory of a fresh database, whose manifest says that
 * log 3 comes first and that no change has been given a number, and puts logs there; change {@code
 * n} puts key {@code k<n>}.
 */
class LogFileScannerTest {

  private static final String SEED = "kvorum.seed";

  @TempDir Path directory;

  @BeforeEach
  void freshDatabase() throws IOException {
    LevelDb.open(directory, options()).close();
    assertTrue(Files.exists(directory.resolve("000003.log")));
  }

  @Test
  void wholeLogsAreLeftAlone() throws IOException {
    Path log = changes(1, 100, 300).writeTo(directory, 3);
    changes(101, 50, 300).writeTo(directory, 4);
    byte[] before = Files.readAllBytes(log);
    assertEquals(List.of(), LogFileScanner.check(directory, Recovery.REFUSE_LOSS));
    assertEquals(List.of(), LogFileScanner.check(directory, Recovery.KEEP_PREFIX));
    assertArrayEquals(before, Files.readAllBytes(log));
    assertHolds(150, Recovery.REFUSE_LOSS);
  }

  @Test
  void recordsOverManyBlocksAreRead() throws IOException {
    LogWriter log = new LogWriter();
    for (int i = 1; i <= 20; i++) {
      log.put(i, "k" + i, value(i, 20_000 + 777 * i));
    }
    log.writeTo(directory, 3);
    assertEquals(List.of(), LogFileScanner.check(directory, Recovery.REFUSE_LOSS));
    assertHolds(20, Recovery.REFUSE_LOSS);
  }

  @Test
  void zerosOfMemoryMappedWritingAreACleanEnd() throws IOException {
    byte[] whole = changes(1, 10, 300).bytes();
    Files.write(directory.resolve("000003.log"), Arrays.copyOf(whole, 65_536));
    assertEquals(List.of(), LogFileScanner.check(directory, Recovery.REFUSE_LOSS));
    assertHolds(10, Recovery.REFUSE_LOSS);
  }

  @ParameterizedTest
  @EnumSource
  void tornTailIsCutAndKeptBeside(Recovery recovery) throws IOException {
    LogWriter log = changes(1, 10, 300);
    byte[] torn = Arrays.copyOf(log.bytes(), log.bytes().length - 5);
    Path file = Files.write(directory.resolve("000003.log"), torn);

    List<LogFileScanner.Cut> cuts = LogFileScanner.check(directory, recovery);

    assertEquals(1, cuts.size());
    assertEquals(file, cuts.getFirst().file());
    assertEquals((long) log.positions.get(9), cuts.getFirst().position());
    assertArrayEquals(torn, Files.readAllBytes(cuts.getFirst().copy()));
    assertTrue(cuts.getFirst().copy().toString().endsWith("000003.log.torn"));
    assertEquals((long) log.positions.get(9), Files.size(file));
    assertEquals(List.of(), LogFileScanner.check(directory, recovery));
    assertHolds(9, recovery);
  }

  @Test
  void tailCutInTheHeaderOfItsRecord() throws IOException {
    LogWriter log = changes(1, 10, 300);
    Files.write(
        directory.resolve("000003.log"), Arrays.copyOf(log.bytes(), log.positions.get(9) + 3));
    assertEquals(
        (long) log.positions.get(9),
        LogFileScanner.check(directory, Recovery.REFUSE_LOSS).getFirst().position());
    assertHolds(9, Recovery.REFUSE_LOSS);
  }

  @Test
  void flippedByteInTheLastRecordIsCut() throws IOException {
    LogWriter log = changes(1, 10, 300);
    flip(log.writeTo(directory, 3), log.positions.get(9) + 50);
    List<LogFileScanner.Cut> cuts = LogFileScanner.check(directory, Recovery.REFUSE_LOSS);
    assertEquals((long) log.positions.get(9), cuts.getFirst().position());
    assertEquals("checksum mismatch", cuts.getFirst().what());
    assertHolds(9, Recovery.REFUSE_LOSS);
  }

  @Test
  void largeRecordWithoutItsBeginningIsATail() throws IOException {
    // The pages of one unsynced record reached the disk in another order than they were written in.
    LogWriter log = changes(1, 3, 300);
    log.put(4, "k4", value(4, 200_000));
    byte[] content = log.bytes();
    Arrays.fill(content, log.positions.get(3), log.positions.get(3) + 4096, (byte) 0);
    Files.write(directory.resolve("000003.log"), content);
    assertEquals(
        (long) log.positions.get(3),
        LogFileScanner.check(directory, Recovery.REFUSE_LOSS).getFirst().position());
    assertHolds(3, Recovery.REFUSE_LOSS);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 4, 5, 6, 7, 100}) // checksum, length, type, sequence number, content
  void flippedByteInTheMiddleIsRefused(int offset) throws IOException {
    LogWriter log = changes(1, 10, 300);
    Path file = log.writeTo(directory, 3);
    flip(file, log.positions.get(4) + offset);
    byte[] damaged = Files.readAllBytes(file);

    StorageException refused =
        assertThrows(
            StorageException.class, () -> LevelDb.open(directory, options(), Recovery.REFUSE_LOSS));

    assertEquals(StorageException.Reason.CORRUPT, refused.reason());
    assertMessage(refused, "000003.log", "byte " + log.positions.get(4), "join again", "backup");
    assertArrayEquals(damaged, Files.readAllBytes(file));
    assertHolds(4, Recovery.KEEP_PREFIX);
  }

  @Test
  void zerosInTheMiddleAreRefused() throws IOException {
    LogWriter log = changes(1, 1000, 300);
    byte[] content = log.bytes();
    Arrays.fill(content, 40_960, 45_056, (byte) 0);
    Files.write(directory.resolve("000003.log"), content);
    assertThrows(
        StorageException.class, () -> LogFileScanner.check(directory, Recovery.REFUSE_LOSS));
    int good = 0;
    while (log.positions.get(good + 1) <= 40_960) {
      good++;
    }
    assertHolds(good, Recovery.KEEP_PREFIX);
  }

  @Test
  void lostTailOfAnOlderLogIsFoundByTheNumbers() throws IOException {
    LogWriter older = changes(1, 10, 300);
    Path file = directory.resolve("000003.log");
    Files.write(file, Arrays.copyOf(older.bytes(), older.positions.get(7)));
    Path newer = changes(11, 5, 300).writeTo(directory, 4);

    StorageException refused =
        assertThrows(
            StorageException.class, () -> LevelDb.open(directory, options(), Recovery.REFUSE_LOSS));
    assertMessage(refused, "000004.log", "begins with change 11 where 8 should come next");
    assertTrue(Files.exists(newer));

    assertHolds(7, Recovery.KEEP_PREFIX);
    assertTrue(Files.exists(directory.resolve("000004.log.torn")));
  }

  @Test
  void tornTailOfAnOlderLogIsNoTail() throws IOException {
    LogWriter older = changes(1, 10, 300);
    Files.write(
        directory.resolve("000003.log"), Arrays.copyOf(older.bytes(), older.positions.get(7) + 20));
    changes(11, 5, 300).writeTo(directory, 4);
    StorageException refused =
        assertThrows(
            StorageException.class, () -> LevelDb.open(directory, options(), Recovery.REFUSE_LOSS));
    assertMessage(refused, "000003.log", "byte " + older.positions.get(7));
    assertHolds(7, Recovery.KEEP_PREFIX);
  }

  @Test
  void wholeLogLostBeforeAnother() throws IOException {
    Files.delete(directory.resolve("000003.log"));
    changes(11, 5, 300).writeTo(directory, 4);
    assertThrows(
        StorageException.class, () -> LogFileScanner.check(directory, Recovery.REFUSE_LOSS));
    assertHolds(0, Recovery.KEEP_PREFIX);
  }

  @Test
  void emptyLogBeforeAnotherWithoutAGap() throws IOException {
    changes(1, 5, 300).writeTo(directory, 4);
    assertEquals(List.of(), LogFileScanner.check(directory, Recovery.REFUSE_LOSS));
    assertHolds(5, Recovery.REFUSE_LOSS);
  }

  @Test
  void gapInsideALog() throws IOException {
    LogWriter log = changes(1, 3, 300);
    log.put(5, "k5", value(5, 300));
    log.writeTo(directory, 3);
    StorageException refused =
        assertThrows(
            StorageException.class, () -> LogFileScanner.check(directory, Recovery.REFUSE_LOSS));
    assertMessage(refused, "000003.log", "byte " + log.positions.get(3), "change 5 where 4");
    assertHolds(3, Recovery.KEEP_PREFIX);
  }

  @Test
  void logsThatAreInTablesAlreadyAreIgnored() throws IOException {
    Files.write(directory.resolve("000001.log"), new byte[] {1, 2, 3});
    changes(1, 5, 300).writeTo(directory, 3);
    assertEquals(List.of(), LogFileScanner.check(directory, Recovery.REFUSE_LOSS));
  }

  @Test
  void manifestWithATornTailIsCut() throws IOException {
    Path manifest = manifest();
    byte[] whole = Files.readAllBytes(manifest);
    byte[] torn = Arrays.copyOf(whole, whole.length + 20);
    torn[whole.length + 4] = 40;
    torn[whole.length + 6] = 1;
    Files.write(manifest, torn);
    changes(1, 5, 300).writeTo(directory, 3);
    assertEquals(
        (long) whole.length,
        LogFileScanner.check(directory, Recovery.REFUSE_LOSS).getFirst().position());
    assertHolds(5, Recovery.REFUSE_LOSS);
  }

  @Test
  void manifestDamagedInTheMiddleIsRefused() throws IOException {
    flip(manifest(), 9);
    StorageException refused =
        assertThrows(
            StorageException.class, () -> LevelDb.open(directory, options(), Recovery.KEEP_PREFIX));
    assertEquals(StorageException.Reason.CORRUPT, refused.reason());
    assertMessage(refused, "MANIFEST-", "byte 0");
  }

  @Test
  void currentThatNamesNothing() throws IOException {
    Files.writeString(directory.resolve("CURRENT"), "MANIFEST-000099\n");
    StorageException refused =
        assertThrows(StorageException.class, () -> LevelDb.open(directory, options()));
    assertEquals(StorageException.Reason.CORRUPT, refused.reason());
    assertMessage(refused, "CURRENT", "MANIFEST-000099");
  }

  /** Whatever is damaged, what opens holds the changes up to some one, and nothing behind it. */
  @Test
  void anyDamageLeavesAPrefixOrIsRefused(@TempDir Path scratch) throws IOException {
    long seed = Long.getLong(SEED, System.nanoTime());
    Random random = new Random(seed);
    for (int round = 0; round < 60; round++) {
      Path copy = scratch.resolve("round" + round);
      copyDatabase(copy);
      int first = 1 + random.nextInt(40);
      randomChanges(random, 1, first).writeTo(copy, 3);
      randomChanges(random, first + 1, random.nextInt(40)).writeTo(copy, 4);
      Path victim = copy.resolve(random.nextBoolean() ? "000003.log" : "000004.log");
      boolean cut = random.nextBoolean();
      damage(random, victim, cut);
      Recovery recovery = random.nextBoolean() ? Recovery.REFUSE_LOSS : Recovery.KEEP_PREFIX;
      String replay = "round " + round + "; replay with -D" + SEED + "=" + seed;
      try (LevelDb db = LevelDb.open(copy, options(), recovery)) {
        int held = held(db);
        assertTrue(
            recovery == Recovery.KEEP_PREFIX || held >= first - 1 || !victim.endsWith("000003.log"),
            replay);
        for (int later = held + 1; later < 100; later++) {
          assertNull(db.get(bytes("k" + later)), "k" + later + " behind k" + held + ", " + replay);
        }
      } catch (StorageException refused) {
        assertEquals(Recovery.REFUSE_LOSS, recovery, refused.getMessage() + ", " + replay);
        assertEquals(StorageException.Reason.CORRUPT, refused.reason(), replay);
      }
    }
  }

  private static void damage(Random random, Path victim, boolean cut) throws IOException {
    byte[] content = Files.readAllBytes(victim);
    if (content.length == 0) {
      return;
    }
    int at = random.nextInt(content.length);
    if (cut) {
      Files.write(victim, Arrays.copyOf(content, at));
    } else {
      flip(victim, at);
    }
  }

  private void copyDatabase(Path to) throws IOException {
    Files.createDirectories(to);
    for (String name : List.of("CURRENT", manifest().getFileName().toString(), "000003.log")) {
      Files.copy(directory.resolve(name), to.resolve(name));
    }
  }

  private Path manifest() throws IOException {
    Path manifest = Manifest.current(directory);
    assertNotNull(manifest);
    return manifest;
  }

  private static LogWriter changes(int first, int count, int valueBytes) {
    LogWriter log = new LogWriter();
    for (int i = first; i < first + count; i++) {
      log.put(i, "k" + i, value(i, valueBytes));
    }
    return log;
  }

  private static LogWriter randomChanges(Random random, int first, int count) {
    LogWriter log = new LogWriter();
    for (int i = first; i < first + count; i++) {
      log.put(
          i,
          "k" + i,
          value(i, random.nextInt(10) == 0 ? random.nextInt(100_000) : random.nextInt(500)));
    }
    return log;
  }

  private static byte[] value(int seed, int length) {
    byte[] value = new byte[length];
    new Random(seed).nextBytes(value);
    return value;
  }

  private static void flip(Path file, int at) throws IOException {
    byte[] content = Files.readAllBytes(file);
    content[at] ^= 0x15;
    Files.write(file, content);
  }

  /** Opens it and expects the changes up to {@code last} and nothing more. */
  private void assertHolds(int last, Recovery recovery) {
    try (LevelDb db = LevelDb.open(directory, options(), recovery)) {
      assertEquals(last, held(db));
      assertNull(db.get(bytes("k" + (last + 2))));
    }
    assertFalse(Files.exists(directory.resolve("kvorum.probe")));
  }

  private static int held(LevelDb db) {
    int held = 0;
    while (db.get(bytes("k" + (held + 1))) != null) {
      held++;
    }
    return held;
  }

  private static void assertMessage(Exception e, String... parts) {
    for (String part : parts) {
      assertTrue(
          String.valueOf(e.getMessage()).contains(part),
          () -> "'" + part + "' in: " + e.getMessage());
    }
  }
}
