package io.kvorum.persistence.bbolt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BoltFileTest {
  private static final String SEED = "kvorum.bbolt.seed";
  private static final int PAGE = 1024;

  @TempDir Path directory;

  private final long seed = Long.getLong(SEED, System.nanoTime());
  private final Random random = new Random(seed);
  private final String replay = "replay with -D" + SEED + "=" + seed;

  private Path written(byte[] bytes) {
    return BoltFixture.write(directory.resolve("db"), bytes);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  private NavigableMap<String, NavigableMap<byte[], byte[]>> randomBuckets() {
    NavigableMap<String, NavigableMap<byte[], byte[]>> buckets = new TreeMap<>();
    for (int i = 0; i < 1 + random.nextInt(6); i++) {
      NavigableMap<byte[], byte[]> bucket = BoltFixture.map();
      int keys = random.nextInt(3) == 0 ? random.nextInt(4) : random.nextInt(400);
      for (int k = 0; k < keys; k++) {
        bucket.put(randomBytes(1 + random.nextInt(30)), randomValue());
      }
      buckets.put("bucket" + i, bucket);
    }
    return buckets;
  }

  private byte[] randomValue() {
    return randomBytes(random.nextInt(40) == 0 ? random.nextInt(9000) : random.nextInt(60));
  }

  private byte[] randomBytes(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  @Test
  void givesWhatWasWritten() {
    for (int round = 0; round < 30; round++) {
      NavigableMap<String, NavigableMap<byte[], byte[]>> buckets = randomBuckets();
      int elements = 2 + random.nextInt(20);
      try (BoltFile file =
          BoltFile.open(written(BoltFixture.file(PAGE << random.nextInt(3), elements, buckets)))) {
        BoltCursor names = file.root().cursor();
        for (Map.Entry<String, NavigableMap<byte[], byte[]>> bucket : buckets.entrySet()) {
          assertTrue(names.advance(), replay);
          assertArrayEquals(bytes(bucket.getKey()), names.key(), replay);
          assertTrue(names.isBucket(), replay);
          requireEqual(bucket.getValue(), names.bucket());
        }
        assertFalse(names.advance(), replay);
      }
    }
  }

  private void requireEqual(NavigableMap<byte[], byte[]> expected, BoltBucket bucket) {
    Iterator<Map.Entry<byte[], byte[]>> entries = expected.entrySet().iterator();
    BoltCursor cursor = bucket.cursor();
    while (cursor.advance()) {
      Map.Entry<byte[], byte[]> entry = entries.next();
      assertArrayEquals(entry.getKey(), cursor.key(), replay);
      assertArrayEquals(entry.getValue(), cursor.value(), replay);
      assertFalse(cursor.isBucket(), replay);
    }
    assertFalse(entries.hasNext(), replay);
  }

  @Test
  void findsByName() {
    NavigableMap<byte[], byte[]> content = BoltFixture.map();
    content.put(bytes("a"), bytes("1"));
    try (BoltFile file =
        BoltFile.open(written(BoltFixture.file(PAGE, 4, new TreeMap<>(Map.of("meta", content)))))) {
      BoltBucket bucket = file.root().bucket(bytes("meta"));
      assertNotNull(bucket);
      assertArrayEquals(bytes("1"), bucket.get(bytes("a")));
      assertNull(bucket.get(bytes("b")));
      assertNull(bucket.bucket(bytes("a")));
      assertNull(file.root().bucket(bytes("key")));
      assertNull(file.root().get(bytes("meta")));
    }
  }

  private byte[] manyKeys() {
    NavigableMap<byte[], byte[]> content = BoltFixture.map();
    for (int i = 100; i < 300; i++) {
      content.put(bytes("key" + i), bytes("value" + i));
    }
    return BoltFixture.file(PAGE, 4, new TreeMap<>(Map.of("key", content)));
  }

  private static long countKeys(Path path) {
    long keys = 0;
    try (BoltFile file = BoltFile.open(path)) {
      BoltCursor names = file.root().cursor();
      while (names.advance()) {
        if (!names.isBucket()) {
          names.value();
          continue;
        }
        BoltCursor cursor = names.bucket().cursor();
        while (cursor.advance()) {
          cursor.value();
          keys++;
        }
      }
    }
    return keys;
  }

  @Test
  void livesOnEitherMetaPageAndPrefersTheLater() {
    byte[] file = manyKeys();
    byte[] firstDamaged = file.clone();
    firstDamaged[40]++;
    assertEquals(200, countKeys(written(firstDamaged)));
    byte[] secondDamaged = file.clone();
    secondDamaged[PAGE + 40]++;
    assertEquals(200, countKeys(written(secondDamaged)));
    byte[] laterIsEmpty = file.clone();
    long pages = file.length / PAGE;
    // The free list's page is no tree: the later meta page is believed, and so this is damage.
    byte[] later = BoltFixture.meta(PAGE, 2, pages, 8);
    System.arraycopy(later, 0, laterIsEmpty, 0, later.length);
    BoltException refused =
        assertThrows(BoltException.class, () -> countKeys(written(laterIsEmpty)));
    assertTrue(message(refused).contains("page 2 is of kind 0x10"), message(refused));
    firstDamaged[PAGE + 40]++;
    refused = assertThrows(BoltException.class, () -> countKeys(written(firstDamaged)));
    assertTrue(message(refused).contains("neither of its two meta pages"), message(refused));
  }

  private static String message(Throwable thrown) {
    return String.valueOf(thrown.getMessage());
  }

  @Test
  void namesFileAndPage() {
    byte[] file = manyKeys();
    byte[] wrongId = file.clone();
    wrongId[5 * PAGE]++;
    BoltException refused = assertThrows(BoltException.class, () -> countKeys(written(wrongId)));
    assertEquals(
        directory.resolve("db") + " is damaged: page 5 says that it is page 6", message(refused));
    byte[] overflow = file.clone();
    BoltFixture.little(overflow).putInt(5 * PAGE + 12, -1);
    refused = assertThrows(BoltException.class, () -> countKeys(written(overflow)));
    assertTrue(message(refused).contains("page 5 says that it goes on for"), message(refused));
  }

  @Test
  void endsOnPagesThatNameEachOther() {
    byte[] file = manyKeys();
    // The first leaf of the tree becomes a branch with itself below.
    byte[] first = bytes("key100");
    BoltFixture.little(file)
        .putShort(3 * PAGE + 8, (short) 1)
        .putShort(3 * PAGE + 10, (short) 1)
        .putInt(3 * PAGE + 16, 16)
        .putInt(3 * PAGE + 20, first.length)
        .putLong(3 * PAGE + 24, 3)
        .put(3 * PAGE + 32, first);
    BoltException refused = assertThrows(BoltException.class, () -> countKeys(written(file)));
    assertTrue(message(refused).contains("stands below 64 others"), message(refused));
  }

  @Test
  void refusesWhatIsCutOffOrNoDatabase() {
    byte[] file = manyKeys();
    BoltException refused =
        assertThrows(
            BoltException.class, () -> countKeys(written(Arrays.copyOf(file, file.length - PAGE))));
    assertTrue(message(refused).contains("is cut off"), message(refused));
    assertEquals(200, countKeys(written(Arrays.copyOf(file, file.length + 32))));
    refused =
        assertThrows(BoltException.class, () -> BoltFile.open(written(bytes("hello"))).close());
    assertTrue(message(refused).contains("is no etcd database"), message(refused));
    refused =
        assertThrows(BoltException.class, () -> BoltFile.open(directory.resolve("none")).close());
    assertTrue(message(refused).contains("does not exist"), message(refused));
  }

  @Test
  void damageGivesNothingWorseThanARefusal() {
    for (int round = 0; round < 20; round++) {
      byte[] whole = BoltFixture.file(PAGE, 2 + random.nextInt(20), randomBuckets());
      for (int flip = 0; flip < 50; flip++) {
        byte[] damaged = whole.clone();
        for (int i = 0; i <= random.nextInt(3); i++) {
          damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
        }
        try {
          countKeys(written(damaged));
        } catch (BoltException expected) {
          assertTrue(message(expected).startsWith(directory.toString()), replay);
        } catch (RuntimeException e) {
          throw new AssertionError(replay, e);
        }
      }
    }
  }
}
