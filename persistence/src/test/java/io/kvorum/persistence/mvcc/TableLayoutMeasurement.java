package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbOptions;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compares ways to lay the keyspace out on LevelDB; its figures stand in
 * docs/decisions/0003-keyspace-tables.md. Runs only when asked for: {@code
 * -Dtest=TableLayoutMeasurement -Dkvorum.measure=true}, best with {@code -DargLine} lifting the
 * tests' limit of the compiler. Figures go to {@code target/table-layout.txt}.
 */
@Tag("measurement")
@EnabledIfSystemProperty(named = "kvorum.measure", matches = "true")
class TableLayoutMeasurement {

  private static final int KEYS = 100_000;
  private static final int BATCH = 200;
  private static final int KEY_BYTES = 16;
  private static final int VALUE_BYTES = 256;
  private static final int DEEP_VERSIONS = 6;
  private static final int RECORD_BYTES = VALUE_BYTES + 32;

  /** Rows that a put writes, and how the newest record of a key is found. */
  private enum Layout {
    /**
     * current: key to record; versions: key and revision to mark; revisions: revision to record.
     */
    TWICE {
      @Override
      void put(LevelDb.Batch batch, byte[] key, long revision, byte[] record) {
        batch.put(row('c', key), record);
        batch.put(row('v', key, ~revision), MARK);
        batch.put(row('r', revision), record);
      }

      @Override
      byte[] newest(LevelDb db, Cursor kept, byte[] key) {
        return db.get(row('c', key));
      }

      @Override
      long range(LevelDb db, Cursor cursor, int from, int keys) {
        long bytes = 0;
        cursor.seek(row('c', KEY[from]));
        for (int i = 0; i < keys; i++, cursor.next()) {
          bytes += cursor.key().length + cursor.value().length;
        }
        return bytes;
      }

      @Override
      byte[] past(LevelDb db, long revision, byte[] value) {
        return value;
      }
    },

    /**
     * current: key to pointer (revision, create revision, version, lease); versions and revisions
     * as above.
     */
    POINTER {
      @Override
      void put(LevelDb.Batch batch, byte[] key, long revision, byte[] record) {
        batch.put(row('c', key), ByteBuffer.allocate(40).putLong(revision).array());
        batch.put(row('v', key, ~revision), MARK);
        batch.put(row('r', revision), record);
      }

      @Override
      byte[] newest(LevelDb db, Cursor kept, byte[] key) {
        byte[] pointer = db.get(row('c', key));
        return pointer == null ? null : db.get(row('r', ByteBuffer.wrap(pointer).getLong()));
      }

      @Override
      byte[] forPut(LevelDb db, Cursor kept, byte[] key) {
        return db.get(row('c', key));
      }

      @Override
      long range(LevelDb db, Cursor cursor, int from, int keys) {
        long bytes = 0;
        cursor.seek(row('c', KEY[from]));
        for (int i = 0; i < keys; i++, cursor.next()) {
          bytes += cursor.key().length;
          bytes += db.get(row('r', ByteBuffer.wrap(cursor.value()).getLong())).length;
        }
        return bytes;
      }

      @Override
      byte[] past(LevelDb db, long revision, byte[] value) {
        return value;
      }
    },

    /** versions: key and revision, newest first, to record; revisions: revision to key. */
    ONCE_UNDER_KEY {
      @Override
      void put(LevelDb.Batch batch, byte[] key, long revision, byte[] record) {
        batch.put(row('v', key, ~revision), record);
        batch.put(row('r', revision), key);
      }

      @Override
      byte[] newest(LevelDb db, Cursor kept, byte[] key) {
        try (Cursor cursor = db.cursor(null)) {
          return forPut(db, cursor, key);
        }
      }

      @Override
      byte[] forPut(LevelDb db, Cursor kept, byte[] key) {
        byte[] wanted = row('v', key);
        kept.seek(wanted);
        return kept.valid() && Arrays.equals(kept.key(), 0, wanted.length, wanted, 0, wanted.length)
            ? kept.value()
            : null;
      }

      @Override
      long range(LevelDb db, Cursor cursor, int from, int keys) {
        long bytes = 0;
        int prefix = 5 + KEY_BYTES;
        cursor.seek(row('v', KEY[from]));
        for (int i = 0; i < keys; i++) {
          byte[] key = cursor.key();
          bytes += key.length + cursor.value().length;
          cursor.next();
          for (int steps = 0;
              cursor.valid() && Arrays.equals(cursor.key(), 0, prefix, key, 0, prefix);
              steps++) {
            if (steps < 4) {
              cursor.next();
            } else {
              byte[] behind = Arrays.copyOf(key, prefix + 1);
              behind[prefix] = 1;
              cursor.seek(behind);
            }
          }
        }
        return bytes;
      }

      @Override
      byte[] past(LevelDb db, long revision, byte[] value) {
        return db.get(row('v', value, ~revision));
      }
    };

    abstract void put(LevelDb.Batch batch, byte[] key, long revision, byte[] record);

    abstract byte[] newest(LevelDb db, Cursor kept, byte[] key);

    /**
     * What a put must know of the record before: whether it exists, its create revision and
     * version.
     */
    byte[] forPut(LevelDb db, Cursor kept, byte[] key) {
      return newest(db, kept, key);
    }

    abstract long range(LevelDb db, Cursor cursor, int from, int keys);

    /** The record of a row of revisions. */
    abstract byte[] past(LevelDb db, long revision, byte[] value);
  }

  private static final byte[] MARK = {'p'};
  private static final byte[][] KEY = new byte[KEYS][];

  static {
    for (int i = 0; i < KEYS; i++) {
      KEY[i] = String.format(Locale.ROOT, "/key/%011d", i).getBytes(StandardCharsets.US_ASCII);
    }
  }

  private final StringBuilder report = new StringBuilder();

  @Test
  void layouts(@TempDir Path directory) throws Exception {
    LevelDbOptions chosen =
        LevelDbOptions.defaults()
            .withWriteBufferBytes(16L << 20)
            .withCacheBytes(8L << 20)
            .withVerifyChecksums(false)
            .withCompression(false);
    LevelDbOptions checking = LevelDbOptions.defaults().withWriteBufferBytes(16L << 20);
    for (Layout layout : Layout.values()) {
      measure("warm-up", layout, chosen, directory.resolve(layout + "-warm-up"), 1);
    }
    report.setLength(0);
    for (Layout layout : Layout.values()) {
      measure(
          layout + " plain", layout, chosen, directory.resolve(layout + "-plain"), DEEP_VERSIONS);
      measure(layout + " snappy+crc", layout, checking, directory.resolve(layout + "-checking"), 2);
    }
    Files.writeString(Path.of("target", "table-layout.txt"), report);
  }

  private void measure(
      String name, Layout layout, LevelDbOptions options, Path directory, int versions)
      throws Exception {
    Random random = new Random(1);
    try (LevelDb db = LevelDb.open(directory, options)) {
      puts(name, "insert", layout, db, random, 0);
      reads(name, "1 version a key", layout, db, random);
      if (versions > 1) {
        puts(name, "overwrite", layout, db, random, 1);
        line(
            name,
            "bytes written by compaction, per put",
            compactionMebibytes(db) * (1 << 20) / (2.0 * KEYS));
        try (Stream<Path> files = Files.list(directory)) {
          line(
              name,
              "bytes on disk per put",
              files.mapToLong(f -> f.toFile().length()).sum() / (2.0 * KEYS));
        }
      }
      if (versions > 2) {
        for (int pass = 2; pass < versions; pass++) {
          puts(null, "", layout, db, random, pass);
        }
        reads(name, versions + " versions a key", layout, db, random);
      }
    }
  }

  private void reads(String name, String state, Layout layout, LevelDb db, Random random) {
    long rounds = 30_000;
    long start = threadNanos();
    for (int i = 0; i < rounds; i++) {
      if (layout.newest(db, null, KEY[random.nextInt(KEYS)]) == null) {
        throw new AssertionError("a key that was put is absent");
      }
    }
    line(name, "get a random key, " + state + ", us", (threadNanos() - start) / 1e3 / rounds);
    rounds = 200;
    start = threadNanos();
    for (int i = 0; i < rounds; i++) {
      try (Cursor cursor = db.cursor(null)) {
        layout.range(db, cursor, random.nextInt(KEYS - 2000), 1000);
      }
    }
    line(name, "range of 1000, " + state + ", us", (threadNanos() - start) / 1e3 / rounds);
    start = threadNanos();
    for (int i = 0; i < rounds; i++) {
      try (Cursor cursor = db.cursor(null)) {
        long revision = 1 + random.nextInt(KEYS - 1001);
        cursor.seek(row('r', revision));
        for (int j = 0; j < 1000; j++, cursor.next()) {
          cursor.key();
          layout.past(db, revision + j, cursor.value());
        }
      }
    }
    line(
        name,
        "history of 1000 revisions, " + state + ", us",
        (threadNanos() - start) / 1e3 / rounds);
  }

  private void puts(String name, String what, Layout layout, LevelDb db, Random random, int pass) {
    long thread = threadNanos();
    long process = processNanos();
    long wall = System.nanoTime();
    byte[] record = new byte[RECORD_BYTES];
    for (int from = 0; from < KEYS; from += BATCH) {
      try (LevelDb.Batch batch = db.batch();
          Cursor kept = db.cursor(null)) {
        for (int i = from; i < from + BATCH; i++) {
          byte[] half = new byte[RECORD_BYTES / 2];
          random.nextBytes(half);
          System.arraycopy(half, 0, record, 0, half.length);
          byte[] key = KEY[(int) ((i + pass * 31L) * 7919L % KEYS)];
          layout.forPut(db, kept, key);
          layout.put(batch, key, 1 + pass * (long) KEYS + i, record);
        }
        db.write(batch, false);
      }
    }
    if (name != null) {
      line(
          name,
          what + ": CPU of the writing thread per put, us",
          (threadNanos() - thread) / 1e3 / KEYS);
      line(
          name, what + ": CPU of the process per put, us", (processNanos() - process) / 1e3 / KEYS);
      line(name, what + ": time per put, us", (System.nanoTime() - wall) / 1e3 / KEYS);
    }
  }

  private void line(String name, String what, double figure) {
    report.append(String.format(Locale.ROOT, "%-26s %-55s %8.1f%n", name, what, figure));
  }

  private static byte[] row(char table, byte[] key) {
    return ByteBuffer.allocate(5 + key.length).putInt(0).put((byte) table).put(key).array();
  }

  private static byte[] row(char table, byte[] key, long revision) {
    return ByteBuffer.allocate(24 + key.length)
        .putInt(0)
        .put((byte) table)
        .put(key)
        .putShort((short) 1)
        .putLong(revision)
        .putLong(-1)
        .put((byte) 'p')
        .array();
  }

  private static byte[] row(char table, long revision) {
    return ByteBuffer.allocate(22)
        .putInt(0)
        .put((byte) table)
        .putLong(revision)
        .put((byte) '_')
        .putLong(0)
        .array();
  }

  private static long threadNanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  /** LevelDB compacts on a thread of its own. */
  private static long processNanos() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  /** The last column of LevelDB's own table. */
  private static double compactionMebibytes(LevelDb db) {
    String stats = db.property("leveldb.stats");
    return stats == null
        ? 0
        : stats
            .lines()
            .map(line -> line.trim().split("\\s+"))
            .filter(columns -> columns.length == 6 && columns[0].matches("\\d+"))
            .mapToDouble(columns -> Double.parseDouble(columns[5]))
            .sum();
  }
}
