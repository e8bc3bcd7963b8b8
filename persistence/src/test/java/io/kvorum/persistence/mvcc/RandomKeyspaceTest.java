package io.kvorum.persistence.mvcc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import io.kvorum.persistence.leveldb.LevelDbOptions;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.CompactionRequest;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.LeaseGrantRequest;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeRequest;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.internal.LeaseExpiry;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The same random requests to the keyspace and to {@link ReferenceKeyspace}: every answer, every
 * event, and in the end every stored record must be equal, through reopenings and compactions that
 * are interrupted. A failure names its seed; replay it with {@code mvn -pl persistence -am test
 * -Dtest=RandomKeyspaceTest -Dkvorum.seed=SEED -Dsurefire.failIfNoSpecifiedTests=false}.
 */
class RandomKeyspaceTest {

  private static final int STEPS = Integer.getInteger("kvorum.steps", 1500);

  @TempDir Path directory;

  static List<Long> seeds() {
    Long replayed = Long.getLong("kvorum.seed");
    if (replayed != null) {
      return List.of(replayed);
    }
    List<Long> seeds = new ArrayList<>(List.of(1L, 2L, 3L));
    Random random = new Random();
    for (int i = Integer.getInteger("kvorum.seeds", 2); i > 0; i--) {
      seeds.add(random.nextLong());
    }
    return seeds;
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void sameAsTheReference(long seed) throws Exception {
    Run run = new Run(directory, seed);
    try {
      run.steps();
    } catch (Throwable failure) {
      throw new AssertionError(
          "step " + run.step + " of seed " + seed + "; replay with -Dkvorum.seed=" + seed, failure);
    } finally {
      run.store.close();
    }
  }

  private static final class Run {
    private final Random random;
    private final RandomRequests requests;
    private final ReferenceKeyspace reference =
        new ReferenceKeyspace(Map.of(TestKeyspace.LEASE, 1L, TestKeyspace.OTHER_LEASE, 2L));
    private final TestKeyspace store;
    private final List<Event> events = new ArrayList<>();
    private int step;
    private boolean tellsPreviousValues;

    Run(Path directory, long seed) {
      random = new Random(seed);
      requests = new RandomRequests(random);
      store =
          new TestKeyspace(
              directory,
              TestKeyspace.OPTIONS
                  .withStorage(
                      LevelDbOptions.defaults().withWriteBufferBytes(1 << 16).withMinFreeBytes(0))
                  .withCompaction(
                      1 + random.nextInt(20), Duration.ofNanos(random.nextInt(3_000_000)))
                  .withReclaimBytes(random.nextInt(20_000)));
    }

    void steps() throws Exception {
      store.grant(TestKeyspace.LEASE, 60);
      store.grant(TestKeyspace.OTHER_LEASE, 60);
      for (step = 0; step < STEPS; step++) {
        switch (random.nextInt(40)) {
          case 0 -> reopen();
          case 1 -> {
            assertHistory();
            assertLeases();
          }
          case 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 -> read();
          default -> apply();
        }
      }
      store.awaitCompaction();
      assertHistory();
      List<StoredRecords.Stored> left = store.storedRecords();
      assertEquals(
          reference.survivors(),
          left.stream().map(StoredRecords.Stored::text).toList(),
          () -> "records left by the compaction at " + reference.compacted());
      assertEquals(
          KeyspaceStats.EMPTY_STORE_BYTES
              + left.stream().mapToLong(each -> each.key().length + each.value().length).sum(),
          store.keyspace.stats().sizeInUseBytes());
    }

    private void reopen() {
      store.reopen();
      assertEquals(reference.revision(), store.keyspace.currentRevision());
      assertEquals(reference.compacted(), store.keyspace.compactedRevision());
      assertEquals(everything(reference.revision()), store.keyspace.stats().liveKeys());
    }

    private long everything(long revision) {
      return Requests.ok(
              reference.range(Requests.all().setRevision(revision).setCountOnly(true).build()))
          .getCount();
    }

    private void apply() {
      long index = store.keyspace.applied().index();
      long before = reference.revision();
      if (random.nextInt(5) == 0) {
        tellsPreviousValues = !tellsPreviousValues;
      }
      store.keyspace.tellPreviousValues(tellsPreviousValues);
      try (ApplyBatch batch = store.keyspace.beginBatch()) {
        for (int entries = 1 + random.nextInt(random.nextInt(4) == 0 ? 12 : 2);
            entries > 0;
            entries--) {
          LogPosition at = new LogPosition(++index, 1 + step);
          switch (random.nextInt(20)) {
            case 0 -> lease(batch, at);
            case 1 -> compact(batch, at);
            case 2, 3, 4 -> {
              DeleteRangeRequest delete = requests.delete();
              same(delete, reference.deleteRange(delete), batch.deleteRange(at, delete));
            }
            case 5, 6, 7, 8, 9, 10 -> {
              TxnRequest txn = requests.txn(reference.revision());
              same(txn, reference.txn(txn), batch.txn(at, txn));
            }
            default -> {
              PutRequest put = requests.put();
              same(put, reference.put(put), batch.put(at, put));
            }
          }
        }
        if (random.nextInt(15) == 0) {
          batch.putMeta("step", new byte[] {(byte) step});
        }
        check(before, batch.commit());
      }
      assertEquals(index, store.keyspace.applied().index());
      assertEquals(reference.revision(), store.keyspace.currentRevision());
      assertEquals(everything(reference.revision()), store.keyspace.stats().liveKeys());
    }

    private void lease(ApplyBatch batch, LogPosition at) {
      long id = random.nextBoolean() ? TestKeyspace.LEASE : TestKeyspace.OTHER_LEASE;
      Long granted = reference.grantedAt(id);
      switch (random.nextInt(6)) {
        case 0 -> batch.skip(at);
        case 1 -> {
          LeaseRevokeRequest revoke = LeaseRevokeRequest.newBuilder().setID(id).build();
          same(revoke, reference.revoke(revoke), batch.revokeLease(at, revoke));
        }
        case 2 -> {
          boolean leads = random.nextBoolean();
          long meant = granted != null && random.nextBoolean() ? granted : at.index();
          if (leads && granted != null && granted == meant) {
            reference.revoke(LeaseRevokeRequest.newBuilder().setID(id).build());
          }
          LeaseExpiry expiry =
              LeaseExpiry.newBuilder()
                  .setTerm(leads ? at.term() : at.term() - 1)
                  .addIds(id)
                  .addGrantedAt(meant)
                  .build();
          assertEquals(leads, batch.expireLeases(at, expiry));
        }
        default -> {
          LeaseGrantRequest grant = LeaseGrantRequest.newBuilder().setID(id).setTTL(9).build();
          same(grant, reference.grant(grant, at.index()), batch.grantLease(at, grant));
        }
      }
    }

    private void assertLeases() {
      try (LeaseView leases = store.keyspace.leases()) {
        assertEquals(store.keyspace.applied(), leases.applied());
        for (long id : new long[] {TestKeyspace.LEASE, TestKeyspace.OTHER_LEASE}) {
          StoredLease lease = leases.get(id);
          assertEquals(reference.grantedAt(id), lease == null ? null : (Long) lease.grantedAt());
          assertEquals(reference.keysOf(id), leases.keys(id));
        }
      }
    }

    private void compact(ApplyBatch batch, LogPosition at) {
      long revision =
          random.nextInt(4) == 0
              ? random.nextLong(-2, reference.revision() + 3)
              : random.nextLong(Math.max(1, reference.revision() - 30), reference.revision() + 1);
      CompactionRequest compaction = CompactionRequest.newBuilder().setRevision(revision).build();
      same(compaction, reference.compact(compaction), batch.compact(at, compaction));
    }

    /** Events from the writer are those of the history, and know the records that they replace. */
    private void check(long before, List<RevisionEvents> written) {
      List<RevisionEvents> bare = new ArrayList<>();
      for (RevisionEvents revision : written) {
        List<Event> without = new ArrayList<>();
        for (Event event : revision.events()) {
          without.add(event.toBuilder().clearPrevKv().build());
          boolean alone =
              revision.events().stream()
                      .filter(e -> e.getKv().getKey().equals(event.getKv().getKey()))
                      .count()
                  == 1;
          if (alone) {
            KeyValue replaced = reference.get(event.getKv().getKey(), revision.revision() - 1);
            boolean mayLack = event.getType() == Event.EventType.PUT && !tellsPreviousValues;
            if (event.hasPrevKv() || !mayLack) {
              assertEquals(
                  replaced, event.hasPrevKv() ? event.getPrevKv() : null, "prev_kv of " + event);
            }
          }
        }
        bare.add(new RevisionEvents(revision.revision(), without));
        events.addAll(without);
      }
      assertEquals(reference.history(before + 1), bare);
    }

    private void read() {
      try (ReadView view = store.keyspace.view()) {
        if (random.nextInt(4) == 0) {
          long from = Math.max(1, reference.compacted());
          KeyValue expected = null;
          com.google.protobuf.ByteString key = requests.key();
          long at = random.nextLong(from, reference.revision() + 1);
          expected = reference.get(key, at);
          assertEquals(expected, view.get(key, at));
          return;
        }
        RangeRequest range = requests.range(reference.revision());
        same(range, reference.range(range), view.range(range));
      }
    }

    private void assertHistory() {
      long from = Math.max(1, reference.compacted() + random.nextInt(10) + 1);
      try (ReadView view = store.keyspace.view()) {
        List<RevisionEvents> read = new ArrayList<>();
        long next = from;
        while (next <= reference.revision()) {
          History part =
              Requests.ok(view.history(next, 1 + random.nextInt(30), 1 + random.nextInt(2000)));
          read.addAll(part.revisions());
          assertEquals(true, part.nextRevision() > next, "history goes on");
          next = part.nextRevision();
        }
        assertEquals(reference.history(from), read);
        if (reference.compacted() > 0) {
          assertEquals(
              EtcdError.COMPACTED, Requests.refusal(view.history(reference.compacted() - 1, 9, 9)));
        }
      }
    }

    private static <T extends MessageOrBuilder> void same(
        Message request, Outcome<T> expected, Outcome<T> actual) {
      assertEquals(text(expected), text(actual), () -> "answer to " + request);
    }

    private static String text(Outcome<? extends MessageOrBuilder> outcome) {
      return outcome.map(Object::toString).toString();
    }
  }
}
