package io.kvorum.persistence.leveldb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Few tables are looked at by one thread, many by several: none is left out. */
class LiveTablesTest {

  /** In front of the footer, which is behind the index. */
  private static final int IN_THE_INDEX = 60;

  @TempDir Path directory;

  /** As many copies of a table, and a manifest that names them all. */
  private Manifest tables(int count) throws IOException {
    Path database = directory.resolve("database");
    for (int i = 0; i < 2; i++) {
      try (LevelDb db = LevelDb.open(database, LevelDbTest.options().withMinFreeBytes(0));
          LevelDb.Batch batch = db.batch()) {
        for (int key = 0; key < 100; key++) {
          batch.put(("key " + key).getBytes(StandardCharsets.US_ASCII), new byte[100]);
        }
        db.write(batch, true);
      }
    }
    Path table;
    try (Stream<Path> files = Files.list(database)) {
      table = files.filter(file -> file.toString().endsWith(".sst")).findFirst().orElseThrow();
    }
    TreeMap<Long, Manifest.Table> tables = new TreeMap<>();
    for (long number = 1; number <= count; number++) {
      Files.copy(table, TableFile.path(directory, number));
      tables.put(
          number, new Manifest.Table(number, Files.size(table), new byte[] {0}, new byte[] {1}));
    }
    return new Manifest(directory.resolve("MANIFEST-000001"), 0, 0, 0, 0, tables);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5, 16, 100})
  void findsTheOneThatIsDamaged(int count) throws IOException {
    Manifest manifest = tables(count);
    assertNull(LiveTables.check(directory, manifest, TableFile.Extent.INDEX));
    assertNull(LiveTables.check(directory, manifest, TableFile.Extent.EVERYTHING));
    for (long number = 1; number <= count; number += Math.max(1, count / 3)) {
      Path table = TableFile.path(directory, number);
      flip(table);
      TableFile.Damage found = LiveTables.check(directory, manifest, TableFile.Extent.INDEX);
      assertNotNull(found, table.toString());
      assertEquals(table, found.file());
      flip(table);
    }
  }

  @Test
  void findsTheOneThatIsMissing() throws IOException {
    Manifest manifest = tables(40);
    Path table = TableFile.path(directory, 40);
    Files.delete(table);
    TableFile.Damage found = LiveTables.check(directory, manifest, TableFile.Extent.INDEX);
    assertNotNull(found);
    assertEquals(table, found.file());
  }

  private static void flip(Path table) throws IOException {
    try (RandomAccessFile content = new RandomAccessFile(table.toFile(), "rw")) {
      long at = content.length() - IN_THE_INDEX;
      content.seek(at);
      int old = content.read();
      content.seek(at);
      content.write(old ^ 0x10);
    }
  }
}
