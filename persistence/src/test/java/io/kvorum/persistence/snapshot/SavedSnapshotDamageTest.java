package io.kvorum.persistence.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.testing.DamageTally;
import io.kvorum.persistence.testing.DamageTally.Outcome;
import io.kvorum.persistence.testing.DiskDamage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A saved snapshot is damaged anywhere: whoever looks at its checksum is told so with the file's
 * name. Whoever does not gets as many rows as there are, or is told that too.
 */
class SavedSnapshotDamageTest {

  private static final int PIECE_BYTES = 4096;

  @TempDir Path directory;

  private Path save() throws IOException {
    Path file = directory.resolve("saved.db");
    try (Keyspace keyspace = SnapshotFixture.open(directory.resolve("keyspace"))) {
      SnapshotFixture.fill(keyspace, 60, 600, new Random(1));
      try (SnapshotFile snapshot =
              SnapshotFile.open(keyspace.export(), SnapshotFixture.CLUSTER, PIECE_BYTES);
          OutputStream out = Files.newOutputStream(file)) {
        for (SnapshotFile.Piece piece = snapshot.next(); piece != null; piece = snapshot.next()) {
          piece.bytes().writeTo(out);
        }
      }
    }
    return file;
  }

  private static List<String> rows(SavedSnapshot snapshot) {
    List<String> rows = new ArrayList<>();
    HexFormat hex = HexFormat.of();
    snapshot.read(
        (key, value) -> rows.add(hex.formatHex(key) + "=" + hex.formatHex(value)), bytes -> {});
    return rows;
  }

  @Test
  void isNeverTakenForWhole() throws IOException {
    Path whole = save();
    SavedSnapshot undamaged = SavedSnapshot.open(whole);
    undamaged.requireWhole(bytes -> {});
    int rows = rows(undamaged).size();
    assertTrue(rows > 100, rows + " rows");
    try (DamageTally tally = new DamageTally("snapshot")) {
      for (int n = 0; n < DiskDamage.SEEDS; n++) {
        int seed = DiskDamage.FIRST_SEED + n;
        Path damaged = directory.resolve("damaged.db");
        Files.write(damaged, Files.readAllBytes(whole));
        DiskDamage.Done done = DiskDamage.damageFile(damaged, DiskDamage.choices(seed, "snapshot"));
        if (Files.mismatch(whole, damaged) < 0) {
          // Zeros in the place of zeros.
          tally.count(done, Outcome.RIGHT);
          continue;
        }
        String context = "seed " + seed + ", " + done;
        assertTrue(isRefused(() -> SavedSnapshot.open(damaged).requireWhole(b -> {}), context));
        tally.count(done, Outcome.REFUSED);
        isRefused(
            () -> assertEquals(rows, rows(SavedSnapshot.open(damaged)).size(), context), context);
      }
    }
  }

  /** Refused with the file's name; any other failure fails the test. */
  @CanIgnoreReturnValue
  private static boolean isRefused(Runnable reading, String context) {
    try {
      reading.run();
      return false;
    } catch (SnapshotException e) {
      assertTrue(
          String.valueOf(e.getMessage()).contains("damaged.db"), context + ": " + e.getMessage());
      return true;
    } catch (RuntimeException e) {
      return fail(context, e);
    }
  }
}
