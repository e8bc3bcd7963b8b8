package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.all;
import static io.kvorum.persistence.mvcc.Requests.delete;
import static io.kvorum.persistence.mvcc.Requests.get;
import static io.kvorum.persistence.mvcc.Requests.op;
import static io.kvorum.persistence.mvcc.Requests.put;
import static io.kvorum.persistence.mvcc.Requests.txn;
import static io.kvorum.persistence.mvcc.Requests.values;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Opening, position, what is kept beside the keyspace, views shared between threads. */
class KeyspaceTest {

  @TempDir Path directory;

  @Test
  void aFreshStore() {
    try (TestKeyspace store = new TestKeyspace(directory)) {
      assertEquals(LogPosition.ZERO, store.keyspace.applied());
      assertEquals(1, store.keyspace.currentRevision());
      assertEquals(-1, store.keyspace.compactedRevision());
      assertEquals(20_480, store.keyspace.stats().sizeBytes());
      assertEquals(0, store.range(all().setRevision(1)).getCount());
      assertTrue(store.keyspace.physicalCompaction().toCompletableFuture().isDone());
    }
  }

  @Test
  void everyBatchIsThereAfterReopening() {
    try (TestKeyspace store = new TestKeyspace(directory)) {
      for (int i = 1; i <= 20; i++) {
        LogPosition at = new LogPosition(i * 3L, i);
        int number = i;
        store.apply(
            batch -> {
              batch.putMeta("owner", ("m" + number).getBytes(UTF_8));
              if (number % 5 == 0) {
                batch.skip(at);
                return null;
              }
              return batch.put(at, put("a", "" + number).build());
            });
        long revision = store.keyspace.currentRevision();
        store.reopen();
        assertEquals(at, store.keyspace.applied());
        assertEquals(revision, store.keyspace.currentRevision());
        assertArrayEquals(("m" + i).getBytes(UTF_8), store.keyspace.meta("owner"));
        assertEquals(
            "" + (i % 5 == 0 ? i - 1 : i),
            store.range(get("a")).getKvs(0).getValue().toStringUtf8());
        assertEquals(1, store.keyspace.stats().liveKeys());
      }
      assertEquals(17, store.keyspace.currentRevision());
      assertNull(store.keyspace.meta("other"));
    }
  }

  @Test
  void aRefusedEntryIsConsumed() {
    try (TestKeyspace store = new TestKeyspace(directory)) {
      store.tryPut(put("a", "1").setLease(99));
      store.tryCompact(50);
      assertEquals(new LogPosition(2, 1), store.keyspace.applied());
      assertEquals(1, store.keyspace.currentRevision());
    }
  }

  @Test
  void syncTellsWhatIsDurable() {
    try (TestKeyspace store = new TestKeyspace(directory)) {
      store.put("a", "1");
      assertEquals(new LogPosition(1, 1), store.keyspace.sync());
    }
  }

  @Test
  void aNewerFormatIsRefused() {
    new TestKeyspace(directory).close();
    try (LevelDb db =
            LevelDb.open(
            TestKeyspace.levelDb(directory), TestKeyspace.OPTIONS.storage(), Recovery.KEEP_PREFIX);
        LevelDb.Batch batch = db.batch()) {
      batch.put(new Tables(GroupId.DEFAULT).state("format"), "2".getBytes(UTF_8));
      db.write(batch, true);
    }
    String message =
        assertThrows(StorageException.class, () -> new TestKeyspace(directory)).getMessage();
    assertTrue(message.contains("format 2") && message.contains(directory.toString()), message);
    // The refused opening let go of the directory.
    assertThrows(StorageException.class, () -> new TestKeyspace(directory));
  }

  @Test
  void operationsAreCounted() {
    try (TestKeyspace store = new TestKeyspace(directory)) {
      store.put("a", "12");
      store.put(put("a", "3").setPrevKv(true));
      store.delete(delete("x"));
      store.txn(txn(op(put("b", "")), op(get("b")), op(delete("b"))));
      store.range(all());
      KeyspaceStats stats = store.keyspace.stats();
      assertEquals(3, stats.puts());
      assertEquals(2, stats.deletes());
      assertEquals(3, stats.ranges());
      assertEquals(2, stats.txns());
      assertEquals(6, stats.putBytes());
      assertEquals(1, stats.liveKeys());
      assertEquals(0, stats.openViews());
      try (ReadView first = store.keyspace.view();
          ReadView second = store.keyspace.view()) {
        assertEquals(first.currentRevision(), second.currentRevision());
        assertEquals(2, store.keyspace.stats().openViews());
      }
    }
  }

  @Test
  void nothingWorksOnAClosedKeyspaceAndNothingCrashes() {
    TestKeyspace store = new TestKeyspace(directory);
    store.put("a", "1");
    ReadView view = store.keyspace.view();
    ApplyBatch batch = store.keyspace.beginBatch();
    batch.put(store.next(), put("a", "2").build());
    store.close();
    store.close();
    assertThrows(IllegalStateException.class, () -> view.range(get("a").build()));
    assertThrows(IllegalStateException.class, batch::commit);
    assertThrows(IllegalStateException.class, () -> store.keyspace.view());
    assertThrows(IllegalStateException.class, () -> store.keyspace.sync());
    view.close();
    batch.close();
  }

  /**
   * Each batch sets two keys to the same value; a reader that sees them differ saw half a batch.
   */
  @Test
  void readersSeeWholeBatches() throws Exception {
    ExecutorService readers = Executors.newFixedThreadPool(3);
    try (TestKeyspace store = new TestKeyspace(directory)) {
      AtomicBoolean done = new AtomicBoolean();
      List<Future<Long>> results = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        results.add(readers.submit(() -> readUntil(store, done)));
      }
      for (int i = 0; i < 2000; i++) {
        String value = "" + i;
        long index = store.keyspace.applied().index();
        store.apply(
            batch -> {
              batch.put(new LogPosition(index + 1, 1), put("a", value).build());
              return batch.put(new LogPosition(index + 2, 1), put("b", value).build());
            });
        if (i % 500 == 499) {
          store.compact(store.keyspace.currentRevision() - 10);
        }
      }
      done.set(true);
      for (Future<Long> result : results) {
        assertTrue(result.get(30, TimeUnit.SECONDS) > 0);
      }
    } finally {
      readers.shutdownNow();
    }
  }

  private static long readUntil(TestKeyspace store, AtomicBoolean done) {
    long reads = 0;
    long newest = 0;
    while (!done.get()) {
      try (ReadView view = store.keyspace.view()) {
        List<String> seen = values(Requests.ok(view.range(all().build())).getKvsList());
        assertTrue(
            seen.isEmpty() || (seen.size() == 2 && seen.get(0).equals(seen.get(1))),
            seen::toString);
        if (view.currentRevision() > 1) {
          assertEquals("" + (view.currentRevision() - 3) / 2, seen.getFirst());
        }
        assertTrue(view.currentRevision() >= newest, "a newer view is never older");
        newest = view.currentRevision();
        reads++;
      }
    }
    return reads;
  }
}
