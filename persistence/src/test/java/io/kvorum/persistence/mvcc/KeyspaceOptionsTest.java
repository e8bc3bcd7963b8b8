package io.kvorum.persistence.mvcc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.persistence.leveldb.LevelDbOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KeyspaceOptionsTest {

  private static final int LARGE = 512;

  private final KeyspaceOptions defaults = KeyspaceOptions.defaults();

  @TempDir Path directory;

  @Test
  void aLargeStoreGathersMoreAndKeepsMoreOfTheDiskFree() throws IOException {
    assertSame(defaults, defaults.forStoreIn(directory.resolve("missing")));
    tables(LARGE - 1);
    assertSame(defaults, defaults.forStoreIn(directory));
    tables(LARGE);
    LevelDbOptions large = defaults.forStoreIn(directory).storage();
    assertTrue(large.writeBufferBytes() > defaults.storage().writeBufferBytes());
    assertEquals(LevelDbOptions.minFreeBytesFor(large.writeBufferBytes()), large.minFreeBytes());
  }

  @Test
  void whatTheOperatorHasChosenStays() throws IOException {
    tables(LARGE);
    KeyspaceOptions chosen =
        defaults.withStorage(defaults.storage().withWriteBufferBytes(4L << 20));
    assertSame(chosen, chosen.forStoreIn(directory));
    KeyspaceOptions room = defaults.withStorage(defaults.storage().withMinFreeBytes(1));
    assertEquals(1, room.forStoreIn(directory).storage().minFreeBytes());
  }

  private void tables(int count) throws IOException {
    Path generation = Files.createDirectories(KeyspaceDirectory.firstGeneration(directory));
    for (int i = 0; i < count; i++) {
      Path table = generation.resolve("%06d.sst".formatted(i));
      if (!Files.exists(table)) {
        Files.createFile(table);
      }
    }
  }
}
