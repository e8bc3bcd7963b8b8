package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.all;
import static io.kvorum.persistence.mvcc.Requests.bytes;
import static io.kvorum.persistence.mvcc.Requests.delete;
import static io.kvorum.persistence.mvcc.Requests.keys;
import static io.kvorum.persistence.mvcc.Requests.refusal;
import static io.kvorum.persistence.mvcc.Requests.values;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.protocol.EtcdError;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** KV.Compact: what is refused, what survives, and that it goes on where it was interrupted. */
class CompactionTest {

  @TempDir Path directory;
  private TestKeyspace store;

  @BeforeEach
  void open() {
    store = new TestKeyspace(directory);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private List<String> left() {
    return store.storedRecords().stream().map(StoredRecords.Stored::text).toList();
  }

  @Test
  void whichRevisionsAreRefused() {
    store.put("a", "1");
    assertEquals(EtcdError.FUTURE_REV, refusal(store.tryCompact(3)));
    assertEquals(EtcdError.COMPACTED, refusal(store.tryCompact(-1)));
    assertEquals(2, Requests.ok(store.tryCompact(0)).getHeader().getRevision());
    assertEquals(0, store.keyspace.compactedRevision());
    assertEquals(EtcdError.COMPACTED, refusal(store.tryCompact(0)));
    assertEquals(2, Requests.ok(store.tryCompact(2)).getHeader().getRevision());
    assertEquals(EtcdError.COMPACTED, refusal(store.tryCompact(2)));
    assertEquals(EtcdError.COMPACTED, refusal(store.tryCompact(1)));
    assertEquals(2, store.keyspace.currentRevision());
    assertEquals(2, store.keyspace.compactedRevision());
  }

  @Test
  void itHoldsAtOnceForReads() {
    store.put("a", "1");
    store.put("a", "2");
    store.put("a", "3");
    try (ReadView before = store.keyspace.view()) {
      store.compact(3);
      assertEquals(EtcdError.COMPACTED, refusal(store.tryRange(all().setRevision(2))));
      assertEquals(EtcdError.COMPACTED, refusal(store.read(view -> view.history(2, 9, 9))));
      assertNull(store.read(view -> view.get(bytes("a"), 2)));
      assertEquals(List.of("2"), values(store.range(all().setRevision(3)).getKvsList()));
      // A view that was there before keeps what it had.
      assertEquals("1", before.get(bytes("a"), 2).getValue().toStringUtf8());
      assertEquals(-1, before.compactedRevision());
    }
  }

  @Test
  void whatSurvives() throws Exception {
    store.put("kept", "old");
    store.put("kept", "newest up to R");
    store.put("gone", "x");
    store.delete(delete("gone"));
    store.put("at R", "x");
    store.put("later", "x");
    store.put("reborn", "x");
    store.delete(delete("reborn"));
    store.put("reborn", "y");
    store.delete(delete("at R")); // revision 11 = R
    store.put("kept", "above R");
    store.delete(delete("later"));
    store.compactFully(11);
    assertEquals(
        List.of(
            "3_0 kept=newest up to R",
            "7_0 later=x",
            "10_0 reborn=y",
            "11_0t at R=",
            "12_0 kept=above R",
            "13_0t later="),
        left());
    assertEquals(
        List.of("11: DELETE at R=", "12: PUT kept=above R", "13: DELETE later="),
        store.historyText(11));
    assertEquals(List.of("kept", "later", "reborn"), keys(store.range(all().setRevision(11))));
    assertEquals(
        "newest up to R", store.range(all().setRevision(11)).getKvs(0).getValue().toStringUtf8());

    store.compactFully(13);
    assertEquals(List.of("10_0 reborn=y", "12_0 kept=above R", "13_0t later="), left());
    store.put("x", "");
    store.compactFully(14);
    assertEquals(List.of("10_0 reborn=y", "12_0 kept=above R", "14_0 x="), left());
    assertEquals(3, store.keyspace.stats().liveKeys());
  }

  @Test
  void theAccountOfTheSizeFollows() throws Exception {
    long empty = store.keyspace.stats().sizeInUseBytes();
    store.put("a", "x".repeat(1000));
    long one = store.keyspace.stats().sizeInUseBytes();
    assertTrue(one - empty > 1017 && one - empty < 1050, () -> "" + (one - empty));
    store.put("a", "y".repeat(1000));
    store.delete(delete("a"));
    store.put("b", "");
    long full = store.keyspace.stats().sizeInUseBytes();
    store.compactFully(5);
    KeyspaceStats stats = store.keyspace.stats();
    assertTrue(stats.sizeInUseBytes() - empty < 60, () -> "" + stats);
    assertEquals(full, stats.sizeBytes());
    assertEquals(3, stats.compactedRecords());
    store.reopen();
    assertEquals(stats.sizeInUseBytes(), store.keyspace.stats().sizeInUseBytes());
    assertEquals(stats.sizeBytes(), store.keyspace.stats().sizeBytes());
    assertEquals(stats.liveKeys(), store.keyspace.stats().liveKeys());
  }

  @Test
  void anInterruptedWalkGoesOnAfterReopening() throws Exception {
    store.close();
    TestKeyspace slow =
        new TestKeyspace(directory, TestKeyspace.OPTIONS.withCompaction(1, Duration.ofHours(1)));
    for (int i = 0; i < 10; i++) {
      slow.put("a", "" + i);
    }
    slow.compact(10);
    CompletableFuture<Void> physical = slow.keyspace.physicalCompaction().toCompletableFuture();
    assertFalse(physical.isDone());
    slow.close();
    assertThrows(ExecutionException.class, () -> physical.get(1, TimeUnit.SECONDS));
    store = new TestKeyspace(directory);
    assertEquals(10, store.keyspace.compactedRevision());
    store.awaitCompaction();
    assertEquals(List.of("10_0 a=8", "11_0 a=9"), left());
    assertEquals(8, store.keyspace.stats().compactedRecords());
    store.reopen();
    assertTrue(store.keyspace.physicalCompaction().toCompletableFuture().isDone());
  }

  @Test
  void writesGoOnMeanwhile() throws Exception {
    store.close();
    store =
        new TestKeyspace(
            directory,
            TestKeyspace.OPTIONS.withCompaction(1, Duration.ofMillis(1)).withReclaimBytes(1));
    for (int i = 0; i < 100; i++) {
      store.put("k" + i % 7, "" + i);
    }
    store.compact(101);
    for (int i = 0; i < 100; i++) {
      store.put("k" + i % 7, "+" + i);
      if (i % 30 == 0) {
        store.compact(store.keyspace.currentRevision());
      }
    }
    store.compact(201);
    store.awaitCompaction();
    assertEquals(7, left().size());
    assertEquals(7, store.range(all()).getCount());
  }
}
