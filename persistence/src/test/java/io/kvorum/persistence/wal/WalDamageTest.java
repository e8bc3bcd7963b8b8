package io.kvorum.persistence.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.kvorum.persistence.leveldb.LevelDbOptions;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.testing.DamageTally;
import io.kvorum.persistence.testing.DamageTally.Outcome;
import io.kvorum.persistence.testing.DiskDamage;
import io.kvorum.persistence.wal.WalFormat.Event;
import io.kvorum.persistence.wal.WalStore.Numbered;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Any file of a log is damaged anywhere: at the next start either every event that was acknowledged
 * is there, or the start is refused with the file's name.
 */
class WalDamageTest {

  private static final String ID = "group-0";
  private static final long DELETED = 300;

  @TempDir Path directory;

  private final Random content = new Random(7);

  private static WalSettings settings(Path wal) {
    return WalSettings.in(wal)
        .withLevelDb(LevelDbOptions.defaults().withWriteBufferBytes(96 << 10).withMinFreeBytes(0));
  }

  @Test
  void closed() throws IOException {
    Path wal = directory.resolve("wal");
    List<byte[]> events = new ArrayList<>();
    try (WalStore store = WalStore.open(settings(wal), WalMetrics.NONE)) {
      fill(store, events);
    }
    damageAndOpen(wal, events, "wal-closed");
  }

  @Test
  void killed() throws IOException {
    Path wal = directory.resolve("wal");
    Path killed = directory.resolve("killed");
    List<byte[]> events = new ArrayList<>();
    try (WalStore store = WalStore.open(settings(wal), WalMetrics.NONE)) {
      fill(store, events);
    }
    try (WalStore store = WalStore.open(settings(wal), WalMetrics.NONE)) {
      add(store, events, 40);
      DiskDamage.copy(wal, killed);
    }
    damageAndOpen(killed, events, "wal-killed");
  }

  /** Several logs, tables in two levels, deleted events. */
  private void fill(WalStore store, List<byte[]> events) {
    add(store, events, 900);
    store.delete(store.log(ID), DELETED);
    store.commit();
    while (store.hasWork()) {
      store.commit();
    }
    add(store, events, 150);
  }

  private void add(WalStore store, List<byte[]> events, int count) {
    for (int i = 0; i < count; i++) {
      byte[] payload = new byte[200 + content.nextInt(800)];
      content.nextBytes(payload);
      // Half of it can be compressed.
      Arrays.fill(payload, payload.length / 2, payload.length, (byte) 'x');
      events.add(payload);
      store.append(
          store.log(ID), "writer", List.of(new Numbered(events.size(), Event.raw(payload))));
      if (content.nextInt(3) > 0) {
        store.commit();
      }
    }
    store.commit();
  }

  private void damageAndOpen(Path whole, List<byte[]> events, String name) throws IOException {
    try (DamageTally tally = new DamageTally(name)) {
      for (int n = 0; n < DiskDamage.SEEDS; n++) {
        int seed = DiskDamage.FIRST_SEED + n;
        Path damaged = directory.resolve("damaged-" + seed);
        DiskDamage.copy(whole, damaged);
        DiskDamage.Done done = DiskDamage.damage(damaged, DiskDamage.choices(seed, name));
        tally.count(done, open(damaged, events, done, "seed " + seed + ", " + done));
        DiskDamage.delete(damaged);
      }
    }
  }

  private static Outcome open(
      Path damaged, List<byte[]> events, DiskDamage.Done done, String context) {
    try (WalStore store = WalStore.open(settings(damaged), WalMetrics.NONE)) {
      assertEvents(events, store, context);
      return Outcome.RIGHT;
    } catch (StorageException e) {
      assertEquals(StorageException.Reason.CORRUPT, e.reason(), context);
      String name = done.file().getFileName().toString();
      assertTrue(String.valueOf(e.getMessage()).contains(name), context + ": " + e.getMessage());
      return Outcome.REFUSED;
    } catch (RuntimeException e) {
      return fail(context, e);
    }
  }

  private static void assertEvents(List<byte[]> events, WalStore store, String context) {
    WalLog log = store.log(ID);
    assertEquals(events.size(), log.highest, context);
    List<Long> seen = new ArrayList<>();
    try (WalReplay replay = store.replay(log, 1, Long.MAX_VALUE, Long.MAX_VALUE)) {
      replay.run(
          (sequence, writer, event) -> {
            seen.add(sequence);
            assertEquals(
                ByteBuffer.wrap(events.get((int) sequence - 1)),
                ByteBuffer.wrap(event.payload()),
                context);
          });
    }
    assertEquals(events.size() - DELETED, seen.size(), context);
  }
}
