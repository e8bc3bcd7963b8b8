package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.OPEN_END;
import static io.kvorum.persistence.mvcc.Requests.all;
import static io.kvorum.persistence.mvcc.Requests.bytes;
import static io.kvorum.persistence.mvcc.Requests.delete;
import static io.kvorum.persistence.mvcc.Requests.get;
import static io.kvorum.persistence.mvcc.Requests.op;
import static io.kvorum.persistence.mvcc.Requests.put;
import static io.kvorum.persistence.mvcc.Requests.range;
import static io.kvorum.persistence.mvcc.Requests.refusal;
import static io.kvorum.persistence.mvcc.Requests.txn;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest.SortOrder;
import io.kvorum.protocol.etcdserverpb.RangeRequest.SortTarget;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ranges step by step, held against the same ranges in one. */
class RangeWalkTest {
  private static final int RANDOM_RANGES = 2_000;

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

  /** Who walks, and in what steps. */
  private interface Steps {
    long records();

    int fullBytes();

    /** Whether the clock has run out at once: each step does the least that it can. */
    boolean hurried();

    /** Whether a step goes on in a view of its own. */
    boolean renews();
  }

  private record Even(long records, int fullBytes, boolean hurried, boolean renews)
      implements Steps {}

  private static final Steps AT_ONCE = new Even(Long.MAX_VALUE, 1 << 20, false, false);

  /** The walk's answer, put together as its sender would. */
  private RangeResponse walked(RangeRequest request, Steps steps) {
    AnswerBuffer out = new AnswerBuffer(3, 0);
    ReadView view = store.keyspace.view();
    RangeWalk walk = Requests.ok(view.walk(request));
    try {
      boolean records = true;
      for (boolean left = true; left; ) {
        long until = System.nanoTime() + (steps.hurried() ? 0 : 1_000_000_000_000L);
        if (records) {
          AnswerBuffer piece = new AnswerBuffer(0, 0);
          records = walk.write(piece, steps.records(), steps.fullBytes(), until);
          out.append(Arrays.copyOf(piece.array(), piece.end()));
        } else {
          left = walk.count(until);
        }
        if (steps.renews()) {
          RangePosition position = walk.position();
          walk.close();
          view.close();
          view = store.keyspace.view();
          if (left) {
            walk = Requests.ok(view.walkOn(request, position));
          } else {
            return answer(out, position);
          }
        }
      }
      return answer(out, walk.position());
    } finally {
      walk.close();
      view.close();
    }
  }

  private static RangeResponse answer(AnswerBuffer out, RangePosition end) {
    assertEquals(end.recordBytes(), out.size());
    assertEquals(out.end(), out.size() + 3);
    try {
      RangeResponse.Builder response =
          RangeResponse.newBuilder().mergeFrom(out.array(), 3, out.size());
      assertEquals(end.records(), response.getKvsCount());
      response.getHeaderBuilder().setRevision(end.currentRevision());
      return response.setMore(end.more()).setCount(end.count()).build();
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    }
  }

  private void same(RangeRequest.Builder request) {
    RangeResponse expected = store.range(request).build();
    assertEquals(expected, walked(request.build(), AT_ONCE), request::toString);
  }

  @Test
  void smallOnes() {
    same(all());
    for (String key : new String[] {"a", "ab", "b", "c", "d"}) {
      store.put(key, "v" + key);
    }
    store.put(put("c", "new").setLease(TestKeyspace.LEASE));
    same(get("b"));
    same(get("absent"));
    same(range("ab", "c"));
    same(range("c", "ab"));
    same(get("b").setRangeEnd(OPEN_END));
    for (int limit = 0; limit < 7; limit++) {
      same(all().setLimit(limit));
      same(range("ab", "z").setLimit(limit).setRevision(4));
      same(all().setLimit(limit).setMinModRevision(3));
      same(all().setLimit(limit).setMinCreateRevision(3).setMaxModRevision(6));
    }
    same(all().setLimit(-1));
    same(all().setCountOnly(true).setLimit(1));
    same(range("b", "d").setCountOnly(true).setMinModRevision(100));
    same(all().setKeysOnly(true));
    same(all().setSortTarget(SortTarget.KEY).setSortOrder(SortOrder.ASCEND));
  }

  @Test
  void revisionsOutOfReachAreRefused() {
    store.put("a", "1");
    store.put("a", "2");
    store.compact(3);
    try (ReadView view = store.keyspace.view()) {
      assertEquals(EtcdError.COMPACTED, refusal(view.walk(all().setRevision(2).build())));
      assertEquals(EtcdError.FUTURE_REV, refusal(view.walk(all().setRevision(4).build())));
    }
  }

  @Test
  void goesOnAtItsRevision() {
    for (int i = 0; i < 10; i++) {
      store.put("k" + i, "old");
    }
    RangeRequest request = all().build();
    RangePosition position;
    try (ReadView view = store.keyspace.view();
        RangeWalk walk = Requests.ok(view.walk(request))) {
      assertTrue(walk.write(new AnswerBuffer(0, 0), 4, 1 << 20, Long.MAX_VALUE));
      position = walk.position();
    }
    assertEquals(bytes("k4"), position.from());
    store.put("k4", "new");
    store.put("k45", "new");
    store.delete(delete("k7"));
    try (ReadView view = store.keyspace.view();
        RangeWalk walk = Requests.ok(view.walkOn(request, position))) {
      AnswerBuffer rest = new AnswerBuffer(0, 0);
      assertFalse(walk.write(rest, Long.MAX_VALUE, 1 << 20, Long.MAX_VALUE));
      assertEquals(10, walk.position().count());
      assertEquals(11, walk.position().currentRevision());
      RangeResponse records =
          RangeResponse.newBuilder().mergeFrom(rest.array(), 0, rest.end()).build();
      assertEquals(6, records.getKvsCount());
      records.getKvsList().forEach(kv -> assertEquals(bytes("old"), kv.getValue()));
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    }
    store.compact(12);
    try (ReadView view = store.keyspace.view()) {
      assertEquals(EtcdError.COMPACTED, refusal(view.walkOn(request, position)));
    }
  }

  @Test
  void orderOnlyByKeys() {
    assertTrue(ReadView.isInKeyOrder(all().build()));
    assertTrue(
        ReadView.isInKeyOrder(
            all().setSortTarget(SortTarget.KEY).setSortOrder(SortOrder.ASCEND).build()));
    assertFalse(ReadView.isInKeyOrder(all().setSortOrder(SortOrder.DESCEND).build()));
    // An order of NONE sorts by another target all the same.
    assertFalse(ReadView.isInKeyOrder(all().setSortTarget(SortTarget.MOD).build()));
  }

  /** Steps of all sizes, with and without new views; the seed is in the message. */
  @Test
  void anyRangeInAnySteps() {
    long seed = new Random().nextLong();
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < 300; i++) {
      String key = "k" + random.nextInt(80);
      if (random.nextInt(4) == 0) {
        store.delete(delete(key));
      } else {
        store.put(key, "x".repeat(random.nextInt(3) == 0 ? random.nextInt(9_000) : 10));
      }
    }
    long current = store.keyspace.currentRevision();
    store.compact(current / 3);
    for (int i = 0; i < RANDOM_RANGES; i++) {
      RangeRequest.Builder request = randomRange(random, current);
      Steps steps =
          new Even(
              1 + random.nextInt(8),
              1 + random.nextInt(6_000),
              random.nextBoolean(),
              random.nextBoolean());
      assertEquals(
          store.range(request).build(),
          walked(request.build(), steps),
          () -> "new SplittableRandom(" + seed + "L), " + steps + " " + request);
    }
  }

  private static RangeRequest.Builder randomRange(SplittableRandom random, long current) {
    RangeRequest.Builder request =
        switch (random.nextInt(4)) {
          case 0 -> all();
          case 1 -> get("k" + random.nextInt(80)).setRangeEnd(OPEN_END);
          case 2 -> get("k" + random.nextInt(80));
          default -> range("k" + random.nextInt(80), "k" + random.nextInt(80));
        };
    if (random.nextBoolean()) {
      request.setRevision(random.nextLong(current / 3, current + 1));
    }
    if (random.nextBoolean()) {
      request.setLimit(random.nextInt(30));
    }
    if (random.nextInt(4) == 0) {
      request.setMinModRevision(random.nextLong(current)).setMaxCreateRevision(current - 20);
    }
    return request
        .setKeysOnly(random.nextInt(4) == 0)
        .setCountOnly(random.nextInt(6) == 0)
        .setSortOrder(random.nextBoolean() ? SortOrder.NONE : SortOrder.ASCEND);
  }

  @Test
  void whatIsTooMuchAtATimeIsRefused() {
    for (int i = 0; i < 20; i++) {
      store.put("k" + i, "x".repeat(1_000));
    }
    try (ReadView view = store.keyspace.view()) {
      RangeRequest newestFirst =
          all().setSortTarget(SortTarget.MOD).setSortOrder(SortOrder.DESCEND).build();
      assertEquals(EtcdError.ANSWER_TOO_LARGE, refusal(view.range(newestFirst, 10_000)));
      assertEquals(20, Requests.ok(view.range(newestFirst, 100_000)).getKvsCount());
      // What a limit throws away does not count.
      RangeRequest newest = newestFirst.toBuilder().setLimit(3).build();
      assertEquals(3, Requests.ok(view.range(newest, 10_000)).getKvsCount());
      assertEquals(
          EtcdError.ANSWER_TOO_LARGE,
          refusal(
              view.readOnlyTxn(txn(op(range("k0", "k1")), op(range("k1", "k2"))).build(), 10_000)));
    }
  }
}
