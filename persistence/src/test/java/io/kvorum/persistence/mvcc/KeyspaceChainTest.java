package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.put;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbOptions;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.etcdserverpb.CompactionRequest;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The rolling hash of a keyspace is that of the log that was applied, whatever befell the member on
 * its way; and it is another one as soon as a member knows something else than the others. A
 * failure of the random test names its seed; replay it with {@code mvn -pl persistence -am test
 * -Dtest=KeyspaceChainTest -Dkvorum.seed=SEED -Dsurefire.failIfNoSpecifiedTests=false}.
 */
class KeyspaceChainTest {

  private static final int ENTRIES = 800;

  @TempDir Path directory;

  private interface Entry {
    void applyTo(ApplyBatch batch, LogPosition at);
  }

  static List<Long> seeds() {
    return RandomKeyspaceTest.seeds();
  }

  private static KeyspaceOptions options(Random random) {
    return TestKeyspace.OPTIONS
        .withStorage(LevelDbOptions.defaults().withWriteBufferBytes(1 << 16).withMinFreeBytes(0))
        .withCompaction(1 + random.nextInt(20), Duration.ofNanos(random.nextInt(1_000_000)))
        .withReclaimBytes(random.nextInt(20_000));
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void dependsOnTheLogAlone(long seed) throws Exception {
    Random random = new Random(seed);
    List<Entry> log = new ArrayList<>();
    List<Long> hashes = new ArrayList<>(List.of(0L, 0L));
    try (TestKeyspace first = new TestKeyspace(directory.resolve("first"), options(random))) {
      RandomRequests requests = new RandomRequests(random);
      for (int i = 0; i < ENTRIES; i++) {
        Entry entry = entry(random, requests, first.keyspace.currentRevision());
        log.add(entry);
        long before = first.keyspace.currentRevision();
        try (ApplyBatch batch = first.keyspace.beginBatch()) {
          entry.applyTo(batch, first.next());
          batch.commit();
        }
        if (first.keyspace.currentRevision() > before) {
          hashes.add(first.keyspace.chain().head().hash());
        }
      }
      assertEquals(first.keyspace.currentRevision() + 1, hashes.size());
      assertEquals(hashes.size() - 1, hashes.stream().distinct().count(), "hashes are different");
      new Life(directory, random, log, hashes, first.keyspace).live();
    } catch (Throwable failure) {
      throw new AssertionError("replay with -Dkvorum.seed=" + seed, failure);
    }
  }

  private static Entry entry(Random random, RandomRequests requests, long current) {
    return switch (random.nextInt(14)) {
      case 0 -> (batch, at) -> batch.skip(at);
      case 1 -> {
        CompactionRequest compaction =
            CompactionRequest.newBuilder()
                .setRevision(Math.max(1, current - random.nextInt(30)))
                .build();
        yield (batch, at) -> batch.compact(at, compaction);
      }
      case 2, 3 -> {
        var delete = requests.delete();
        yield (batch, at) -> batch.deleteRange(at, delete);
      }
      case 4, 5, 6, 7 -> {
        var txn = requests.txn(current);
        yield (batch, at) -> batch.txn(at, txn);
      }
      default -> {
        var put = requests.put();
        yield (batch, at) -> batch.put(at, put);
      }
    };
  }

  /** Another member that applies the same log, and has bad luck. */
  private static final class Life {
    private final Path directory;
    private final Random random;
    private final List<Entry> log;
    private final List<Long> hashes;
    private final Keyspace origin;
    private TestKeyspace store;
    private Path place;
    private @Nullable Path copy;
    private int places;

    Life(Path directory, Random random, List<Entry> log, List<Long> hashes, Keyspace origin) {
      this.directory = directory;
      this.random = random;
      this.log = log;
      this.hashes = hashes;
      this.origin = origin;
      this.place = directory.resolve("other");
      this.store = new TestKeyspace(place, options(random));
    }

    void live() throws Exception {
      try {
        while (applied() < log.size()) {
          switch (random.nextInt(24)) {
            case 0 -> store.reopen();
            case 1 -> store.awaitCompaction();
            case 2 -> store.keyspace.tellPreviousValues(random.nextBoolean());
            case 3 -> rememberTheDisk();
            case 4 -> loseWhatWasNotSynced();
            case 5 -> abandonABatch();
            default -> applySome();
          }
        }
        installTheOriginal();
      } finally {
        store.close();
      }
    }

    private int applied() {
      return (int) store.keyspace.applied().index();
    }

    private void applySome() {
      long before = store.keyspace.currentRevision();
      try (ApplyBatch batch = store.keyspace.beginBatch()) {
        fill(batch);
        batch.commit();
      }
      for (long revision = before; revision <= store.keyspace.currentRevision(); revision++) {
        assertEquals(
            hashes.get((int) revision),
            store.keyspace.chain().at(revision).orElseThrow(),
            "at revision " + revision);
      }
      assertEquals(applied(), store.keyspace.chain().head().index());
      assertEquals(1, store.keyspace.chain().head().origin());
    }

    private void fill(ApplyBatch batch) {
      int index = applied();
      int end = Math.min(log.size(), index + 1 + random.nextInt(30));
      while (index < end) {
        log.get(index).applyTo(batch, new LogPosition(++index, 1));
      }
    }

    /** As when the disk refuses: the entries come again, cut in another way. */
    private void abandonABatch() {
      RevisionChain.Head before = store.keyspace.chain().head();
      try (ApplyBatch batch = store.keyspace.beginBatch()) {
        fill(batch);
      }
      assertEquals(before, store.keyspace.chain().head());
    }

    private void rememberTheDisk() {
      store.keyspace.close();
      Path target = directory.resolve("copy" + places++);
      copyOf(place, target);
      copy = target;
      store = new TestKeyspace(place, options(random));
    }

    /** What was applied after the copy was made is applied again, from the log. */
    private void loseWhatWasNotSynced() {
      if (copy != null) {
        store.keyspace.close();
        place = copy;
        copy = null;
        store = new TestKeyspace(place, options(random));
      }
    }

    private void installTheOriginal() {
      try (TestKeyspace behind = new TestKeyspace(directory.resolve("behind"))) {
        behind.put("something", "else");
        behind.keyspace.install(InstallTest.transfer(origin, behind.keyspace, 1000));
        behind.keyspace.installFinished();
        assertEquals(origin.chain().head(), behind.keyspace.chain().head());
        behind.put("and", "on");
        store.put("and", "on");
        assertEquals(store.keyspace.chain().head(), behind.keyspace.chain().head());
      }
    }
  }

  /** A record that is silently wrong shows when it is replaced, unless by its value alone. */
  @Test
  void aWrongRecordShowsAtTheNextWriteOfItsKey() {
    Consumer<TestKeyspace> writes = store -> store.put("k", "new");
    KeyValue right = KeyValue.newBuilder().setModRevision(3).setVersion(2).build();
    long expected = hashAfter(right, "right", writes);
    assertNotEquals(
        expected, hashAfter(right.toBuilder().setVersion(3).build(), "version", writes));
    assertNotEquals(
        expected, hashAfter(right.toBuilder().setCreateRevision(3).build(), "created", writes));
    assertNotEquals(
        expected, hashAfter(right.toBuilder().setModRevision(2).build(), "modified", writes));
    assertNotEquals(expected, hashAfter(right.toBuilder().setLease(7).build(), "lease", writes));
  }

  @Test
  void aWrongValueShowsWhenItsKeyIsDeleted() {
    Consumer<TestKeyspace> writes = store -> store.delete(Requests.delete("k"));
    KeyValue right = KeyValue.newBuilder().setModRevision(3).setVersion(2).build();
    assertNotEquals(
        hashAfter(right, "right", writes),
        hashAfter(
            right.toBuilder().setValue(com.google.protobuf.ByteString.copyFromUtf8("c")).build(),
            "value",
            writes));
  }

  /**
   * The hash after some writes to a store in which the record of k was exchanged, offline.
   *
   * @param found fields that are not set are those that belong there
   */
  private long hashAfter(KeyValue found, String name, Consumer<TestKeyspace> writes) {
    Path place = directory.resolve(name);
    try (TestKeyspace store = new TestKeyspace(place)) {
      store.put("k", "a");
      store.put("k", "b");
      store.put("other", "c");
      store.keyspace.close();
      KeyValue whole =
          KeyValue.newBuilder()
              .setKey(com.google.protobuf.ByteString.copyFromUtf8("k"))
              .setCreateRevision(2)
              .setValue(com.google.protobuf.ByteString.copyFromUtf8("b"))
              .mergeFrom(found)
              .build();
      edit(place, (db, tables, batch) -> batch.put(current(tables), RecordCodec.encode(whole)));
      store.reopen();
      assertEquals(4, store.keyspace.chain().head().revision());
      writes.accept(store);
      return store.keyspace.chain().head().hash();
    }
  }

  private static byte[] current(Tables tables) {
    return tables.current(new byte[] {'k'});
  }

  /** As after an upgrade: what comes is compared, whenever each member was upgraded. */
  @Test
  void aStoreWithoutAChainBeginsOneAtItsRevision() {
    try (TestKeyspace always = new TestKeyspace(directory.resolve("always"));
        TestKeyspace late = new TestKeyspace(directory.resolve("late"))) {
      for (int i = 0; i < 10; i++) {
        always.put("k" + i, "v");
        late.put("k" + i, "v");
      }
      late.keyspace.close();
      edit(
          directory.resolve("late"),
          (db, tables, batch) -> batch.delete(tables.state(ChainRow.NAME)));
      late.reopen();
      assertEquals(new RevisionChain.Head(10, 11, 11, 0), late.keyspace.chain().head());
      long difference = always.keyspace.chain().head().hash();
      for (int i = 0; i < 10; i++) {
        always.put("k" + i, "w");
        late.put("k" + i, "w");
        late.reopen();
        RevisionChain.Head head = late.keyspace.chain().head();
        assertEquals(11, head.origin());
        assertEquals(always.keyspace.chain().head().hash(), head.hash() + difference);
      }
    }
  }

  @Test
  void aChainThatAnEarlierVersionDidNotContinueEnds() {
    Path place = directory.resolve("store");
    try (TestKeyspace store = new TestKeyspace(place)) {
      store.put("a", "1");
      store.keyspace.close();
      byte[][] old = new byte[1][];
      edit(place, (db, tables, batch) -> old[0] = db.get(tables.state(ChainRow.NAME)));
      store.reopen();
      store.put("a", "2");
      store.keyspace.close();
      edit(place, (db, tables, batch) -> batch.put(tables.state(ChainRow.NAME), old[0]));
      store.reopen();
      assertEquals(new RevisionChain.Head(2, 3, 3, 0), store.keyspace.chain().head());
      store.put("a", "3");
      assertEquals(3, store.keyspace.chain().head().origin());
    }
  }

  /** It is the member's own account of what it has done, and no part of what is stored. */
  @Test
  void isNoPartOfTheHashOfAllRows() {
    try (TestKeyspace store = new TestKeyspace(directory)) {
      store.apply(batch -> batch.put(store.next(), put("a", "1").build()));
      int before = hashOfAll(store);
      store.keyspace.close();
      edit(directory, (db, tables, batch) -> batch.delete(tables.state(ChainRow.NAME)));
      store.reopen();
      assertEquals(before, hashOfAll(store));
    }
  }

  private static int hashOfAll(TestKeyspace store) {
    try (KeyspaceExport export = store.keyspace.export()) {
      return export.hashOfAllRows();
    }
  }

  private interface Edit {
    void make(LevelDb db, Tables tables, LevelDb.Batch batch);
  }

  private static void edit(Path place, Edit edit) {
    try (LevelDb db =
            LevelDb.open(
                TestKeyspace.levelDb(place), TestKeyspace.OPTIONS.storage(), Recovery.REFUSE_LOSS);
        LevelDb.Batch batch = db.batch()) {
      edit.make(db, new Tables(GroupId.DEFAULT), batch);
      db.write(batch, true);
    }
  }

  private static void copyOf(Path from, Path to) {
    try (Stream<Path> all = Files.walk(from)) {
      all.forEach(
          file -> {
            try {
              Files.copy(file, to.resolve(from.relativize(file)));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertTrue(Files.exists(to));
  }
}
