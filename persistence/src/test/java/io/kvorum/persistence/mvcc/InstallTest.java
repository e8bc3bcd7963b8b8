package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.all;
import static io.kvorum.persistence.mvcc.Requests.get;
import static io.kvorum.persistence.mvcc.Requests.put;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.persistence.snapshot.SnapshotChunk;
import io.kvorum.persistence.snapshot.SnapshotReader;
import io.kvorum.persistence.snapshot.SnapshotWriter;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A snapshot put into force in a running keyspace. A failure of the random test names its seed;
 * replay it with {@code mvn -pl persistence -am test -Dtest=InstallTest -Dkvorum.seed=SEED
 * -Dsurefire.failIfNoSpecifiedTests=false}.
 */
class InstallTest {

  private static final long CLUSTER = 5;
  private static final int STEPS = 600;
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir Path directory;

  /** Sends everything over and leaves it complete beside the target's own. */
  static KeyspaceStaging transfer(Keyspace from, Keyspace to, int chunkBytes) {
    try (SnapshotReader reader = new SnapshotReader(from.export(), CLUSTER, chunkBytes);
        SnapshotWriter writer =
            new SnapshotWriter(to.stage(0), GroupId.DEFAULT, CLUSTER, reader.header().at())) {
      for (SnapshotChunk chunk = reader.next(); chunk != null; chunk = reader.next()) {
        assertEquals(SnapshotWriter.Verdict.WRITTEN, writer.write(chunk));
      }
      return writer.finish(reader.trailer());
    }
  }

  static List<Long> seeds() {
    return RandomKeyspaceTest.seeds();
  }

  /**
   * What was installed behaves like what it was taken from: later writes, reads and compactions.
   */
  @ParameterizedTest
  @MethodSource("seeds")
  void goesOnLikeTheOriginal(long seed) throws Exception {
    Random random = new Random(seed);
    KeyspaceOptions options =
        TestKeyspace.OPTIONS
            .withCompaction(1 + random.nextInt(20), Duration.ofNanos(random.nextInt(1_000_000)))
            .withReclaimBytes(random.nextInt(20_000));
    try (TestKeyspace source = new TestKeyspace(directory.resolve("source"), options);
        TestKeyspace target = new TestKeyspace(directory.resolve("target"), options)) {
      RandomRequests requests = new RandomRequests(random);
      boolean behind = true;
      for (int step = 0; step < STEPS; step++) {
        long current = source.keyspace.currentRevision();
        if (behind ? random.nextInt(60) == 0 && current > 2 : random.nextInt(100) == 0) {
          if (behind) {
            target.keyspace.install(
                transfer(source.keyspace, target.keyspace, 1 + random.nextInt(5000)));
            assertEquals(
                source.keyspace.applied(), target.keyspace.unfinishedInstall().orElseThrow());
            if (random.nextBoolean()) {
              target.reopen();
            }
            target.keyspace.installFinished();
            if (random.nextBoolean()) {
              target.reopen();
            }
            assertTrue(target.keyspace.unfinishedInstall().isEmpty());
          }
          behind = !behind;
        }
        Change change = change(random, requests, current);
        Object expected = source.apply(batch -> change.to(batch, source.next()));
        if (!behind) {
          assertEquals(
              expected.toString(),
              target.apply(batch -> change.to(batch, target.next())).toString());
        }
      }
      if (behind) {
        target.keyspace.install(transfer(source.keyspace, target.keyspace, 777));
      }
      assertSame(source, target);
    } catch (Throwable failure) {
      throw new AssertionError("replay with -Dkvorum.seed=" + seed, failure);
    }
  }

  private interface Change {
    Object to(ApplyBatch batch, LogPosition at);
  }

  private static Change change(Random random, RandomRequests requests, long current) {
    switch (random.nextInt(12)) {
      case 0 -> {
        var delete = requests.delete();
        return (batch, at) -> batch.deleteRange(at, delete);
      }
      case 1, 2 -> {
        var txn = requests.txn(current);
        return (batch, at) -> batch.txn(at, txn);
      }
      case 3 -> {
        var compaction =
            io.kvorum.protocol.etcdserverpb.CompactionRequest.newBuilder()
                .setRevision(Math.max(1, current - random.nextInt(30)))
                .build();
        return (batch, at) -> batch.compact(at, compaction);
      }
      case 4 -> {
        byte[] value = Integer.toString(random.nextInt(100)).getBytes(StandardCharsets.UTF_8);
        return (batch, at) -> {
          batch.skip(at);
          batch.putMeta("meta", value);
          return "meta";
        };
      }
      default -> {
        var put = requests.put();
        return (batch, at) -> batch.put(at, put);
      }
    }
  }

  private static void assertSame(TestKeyspace source, TestKeyspace target) throws Exception {
    source.awaitCompaction();
    target.awaitCompaction();
    assertEquals(source.keyspace.applied(), target.keyspace.applied());
    assertEquals(source.keyspace.compactedRevision(), target.keyspace.compactedRevision());
    assertEquals(
        source.keyspace.stats().sizeInUseBytes(), target.keyspace.stats().sizeInUseBytes());
    assertEquals(source.range(all()).build(), target.range(all()).build());
    assertArrayEquals(source.keyspace.meta("meta"), target.keyspace.meta("meta"));
    assertEquals(
        source.storedRecords().stream().map(StoredRecords.Stored::hex).toList(),
        target.storedRecords().stream().map(StoredRecords.Stored::hex).toList());
  }

  @Test
  void aViewGoesOnWithWhatItSeesAndItsDirectoryGoesWithIt() throws Exception {
    try (TestKeyspace source = new TestKeyspace(directory.resolve("source"));
        TestKeyspace target = new TestKeyspace(directory.resolve("target"))) {
      Path before = directory.resolve("target").resolve("generation-1");
      target.put("a", "old");
      for (int i = 0; i < 30; i++) {
        source.put("a", "new" + i);
      }
      ReadView old = target.keyspace.view();
      KeyspaceExport oldExport = target.keyspace.export();
      target.keyspace.install(transfer(source.keyspace, target.keyspace, 100));
      assertEquals("new29", value(target));
      assertEquals(31, target.keyspace.currentRevision());
      assertEquals("old", value(old));
      assertEquals(2, old.currentRevision());
      old.close();
      assertTrue(Files.isDirectory(before), "an export still reads it");
      assertEquals(new LogPosition(1, 1), oldExport.position());
      try (KeyspaceExport.Rows rows = oldExport.rows()) {
        assertTrue(rows.advance());
      }
      oldExport.close();
      await(() -> !Files.exists(before));
      assertEquals(0, target.keyspace.stats().openViews());
      assertEquals("new29", value(target));
    }
  }

  /** The writer remembers revisions and versions of keys; none of that may outlive the switch. */
  @Test
  void thePutAfterItBuildsOnTheSnapshot() {
    try (TestKeyspace source = new TestKeyspace(directory.resolve("source"));
        TestKeyspace target = new TestKeyspace(directory.resolve("target"))) {
      target.put("a", "old");
      for (int i = 0; i < 5; i++) {
        source.put("b", "b");
      }
      source.put("a", "1");
      source.put("a", "2");
      target.keyspace.install(transfer(source.keyspace, target.keyspace, 100));
      target.put("a", "3");
      var record = target.range(get("a")).getKvs(0);
      assertEquals(7, record.getCreateRevision());
      assertEquals(3, record.getVersion());
      assertEquals(9, record.getModRevision());
    }
  }

  @Test
  void readersSeeTheOneOrTheOther() throws Exception {
    ExecutorService readers = Executors.newFixedThreadPool(3);
    try (TestKeyspace source = new TestKeyspace(directory.resolve("source"));
        TestKeyspace target = new TestKeyspace(directory.resolve("target"))) {
      AtomicBoolean done = new AtomicBoolean();
      List<Future<Long>> results = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        results.add(readers.submit(() -> readUntil(target, done)));
      }
      for (int round = 0; round < 15; round++) {
        for (int i = 0; i < 20; i++) {
          both(source, source.keyspace.currentRevision());
        }
        target.keyspace.install(transfer(source.keyspace, target.keyspace, 500));
        target.keyspace.installFinished();
        for (int i = 0; i < 20; i++) {
          both(target, target.keyspace.currentRevision());
          both(source, source.keyspace.currentRevision());
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

  private static void both(TestKeyspace store, long revision) {
    store.apply(
        batch -> {
          LogPosition at = store.next();
          batch.put(at, put("a", "" + revision).build());
          return batch.put(new LogPosition(at.index() + 1, 1), put("b", "" + revision).build());
        });
  }

  private static long readUntil(TestKeyspace store, AtomicBoolean done) {
    long reads = 0;
    long newest = 0;
    while (!done.get()) {
      try (ReadView view = store.keyspace.view()) {
        List<String> seen = Requests.values(Requests.ok(view.range(all().build())).getKvsList());
        assertTrue(
            seen.isEmpty() || (seen.size() == 2 && seen.get(0).equals(seen.get(1))),
            seen::toString);
        if (!seen.isEmpty()) {
          assertEquals("" + (view.currentRevision() - 2), seen.getFirst());
        }
        assertTrue(view.currentRevision() >= newest, "a newer view is never older");
        newest = view.currentRevision();
        reads++;
      }
    }
    return reads;
  }

  @Test
  void onlyWhatIsFurtherOnIsInstalled() {
    try (TestKeyspace source = new TestKeyspace(directory.resolve("source"));
        TestKeyspace target = new TestKeyspace(directory.resolve("target"))) {
      source.put("a", "1");
      target.put("a", "1");
      KeyspaceStaging staged = transfer(source.keyspace, target.keyspace, 100);
      assertThrows(IllegalArgumentException.class, () -> target.keyspace.install(staged));
      target.put("a", "2");
      try (ApplyBatch batch = target.keyspace.beginBatch()) {
        assertThrows(IllegalStateException.class, () -> target.keyspace.install(staged));
        batch.skip(target.next());
      }
      staged.close();
      assertEquals("2", value(target));
    }
  }

  private static String value(TestKeyspace store) {
    return store.read(InstallTest::value);
  }

  private static String value(ReadView view) {
    return Requests.ok(view.range(get("a").build())).getKvs(0).getValue().toStringUtf8();
  }

  static void await(java.util.function.BooleanSupplier condition) {
    Instant deadline = Instant.now().plus(PATIENCE);
    while (!condition.getAsBoolean()) {
      assertTrue(Instant.now().isBefore(deadline), "in time");
      Thread.onSpinWait();
    }
  }
}
