package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.OPEN_END;
import static io.kvorum.persistence.mvcc.Requests.all;
import static io.kvorum.persistence.mvcc.Requests.bytes;
import static io.kvorum.persistence.mvcc.Requests.delete;
import static io.kvorum.persistence.mvcc.Requests.get;
import static io.kvorum.persistence.mvcc.Requests.keys;
import static io.kvorum.persistence.mvcc.Requests.put;
import static io.kvorum.persistence.mvcc.Requests.range;
import static io.kvorum.persistence.mvcc.Requests.refusal;
import static io.kvorum.persistence.mvcc.Requests.text;
import static io.kvorum.persistence.mvcc.Requests.values;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest.SortOrder;
import io.kvorum.protocol.etcdserverpb.RangeRequest.SortTarget;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** KV.Range, rule by rule. */
class RangeTest {

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

  private void putAll(String... keys) {
    for (String key : keys) {
      store.put(key, "v" + key);
    }
  }

  @Test
  void aSingleKey() {
    store.put(put("a", "1").setLease(TestKeyspace.LEASE));
    store.put("a", "2");
    RangeResponse.Builder response = store.range(get("a"));
    assertEquals(
        List.of("a=2 create 2 mod 3 version 2 lease 0"),
        response.getKvsList().stream().map(Requests::text).toList());
    assertEquals(1, response.getCount());
    assertFalse(response.getMore());
    assertEquals(3, response.getHeader().getRevision());
    assertEquals(0, response.getHeader().getClusterId());
  }

  @Test
  void anAbsentKeyIsNoError() {
    RangeResponse.Builder response = store.range(get("a"));
    assertEquals(0, response.getCount());
    assertEquals(0, response.getKvsCount());
    assertEquals(1, response.getHeader().getRevision());
  }

  @Test
  void intervalForms() {
    putAll("a", "ab", "b", "c", "d");
    assertEquals(List.of("ab", "b"), keys(store.range(range("ab", "c"))));
    assertEquals(List.of("b", "c", "d"), keys(store.range(get("b").setRangeEnd(OPEN_END))));
    assertEquals(List.of("a", "ab", "b", "c", "d"), keys(store.range(all())));
    assertEquals(List.of(), keys(store.range(range("c", "b"))));
    assertEquals(0, store.range(range("c", "b")).getCount());
    assertEquals(List.of(), keys(store.range(range("c", "c"))));
    assertEquals(0, store.range(range("c", "b").setCountOnly(true)).getCount());
    assertEquals(List.of("a", "ab"), keys(store.range(range("a", "b"))));
  }

  @Test
  void keysOfAnyBytesAreOrderedUnsigned() {
    byte[][] ordered = {
      {0},
      {0, 0},
      {0, 0, 1},
      {0, 1},
      {0, (byte) 0xff},
      {1},
      {1, 0},
      {1, 0, 0},
      {1, 0, 1},
      {1, 0, (byte) 0xff},
      {1, 1},
      {0x7f},
      {(byte) 0x80},
      {(byte) 0xff},
      {(byte) 0xff, 0},
      {(byte) 0xff, (byte) 0xff}
    };
    for (int i = ordered.length - 1; i >= 0; i--) {
      store.put(
          PutRequest.newBuilder().setKey(ByteString.copyFrom(ordered[i])).setValue(bytes("" + i)));
    }
    List<String> expected =
        java.util.stream.IntStream.range(0, ordered.length).mapToObj(i -> "" + i).toList();
    assertEquals(expected, values(store.range(all()).getKvsList()));
    for (int from = 0; from < ordered.length; from++) {
      assertEquals(
          List.of("" + from),
          values(
              store
                  .range(RangeRequest.newBuilder().setKey(ByteString.copyFrom(ordered[from])))
                  .getKvsList()));
      for (int to = from + 1; to < ordered.length; to++) {
        if (ordered[to].length == 1 && ordered[to][0] == 0) {
          continue;
        }
        RangeRequest.Builder request =
            RangeRequest.newBuilder()
                .setKey(ByteString.copyFrom(ordered[from]))
                .setRangeEnd(ByteString.copyFrom(ordered[to]));
        assertEquals(
            expected.subList(from, to),
            values(store.range(request).getKvsList()),
            from + ".." + to);
      }
    }
  }

  @Test
  void aHistoricReadHasTheCurrentRevisionInItsHeader() {
    store.put("a", "1");
    store.put("a", "2");
    store.delete(delete("a"));
    store.put("a", "4");
    for (long revision : new long[] {1, 2, 3, 4, 5}) {
      RangeResponse.Builder response = store.range(get("a").setRevision(revision));
      assertEquals(5, response.getHeader().getRevision());
      assertEquals(
          revision == 1 || revision == 4 ? List.of() : List.of("" + (revision - 1)),
          values(response.getKvsList()));
    }
    assertEquals(
        "a=2 create 2 mod 3 version 2 lease 0",
        text(store.range(get("a").setRevision(3)).getKvs(0)));
    assertEquals("a=4 create 5 mod 5 version 1 lease 0", text(store.range(get("a")).getKvs(0)));
  }

  @Test
  void historicRanges() {
    putAll("a", "b");
    store.delete(delete("a"));
    putAll("c", "b", "b", "b", "b", "b", "b", "b");
    assertEquals(List.of(), keys(store.range(all().setRevision(1))));
    assertEquals(List.of("a"), keys(store.range(all().setRevision(2))));
    assertEquals(List.of("a", "b"), keys(store.range(all().setRevision(3))));
    assertEquals(List.of("b"), keys(store.range(all().setRevision(4))));
    assertEquals(List.of("b", "c"), keys(store.range(all().setRevision(5))));
    assertEquals(3, store.range(all().setRevision(3)).getKvs(1).getModRevision());
    assertEquals(2, store.range(all().setRevision(3).setCountOnly(true)).getCount());
    assertEquals(1, store.range(all().setRevision(4).setLimit(5)).getCount());
    RangeResponse.Builder limited = store.range(all().setRevision(3).setLimit(1));
    assertEquals(List.of("a"), keys(limited));
    assertTrue(limited.getMore());
    assertEquals(2, limited.getCount());
  }

  @Test
  void revisionsOutOfReach() throws Exception {
    putAll("a", "b", "c");
    assertEquals(EtcdError.FUTURE_REV, refusal(store.tryRange(get("a").setRevision(5))));
    assertEquals(EtcdError.FUTURE_REV, refusal(store.tryRange(all().setRevision(Long.MAX_VALUE))));
    assertEquals(4, store.range(get("a").setRevision(-5)).getHeader().getRevision());
    store.compactFully(3);
    assertEquals(EtcdError.COMPACTED, refusal(store.tryRange(get("a").setRevision(2))));
    assertEquals(List.of("a", "b"), keys(store.range(all().setRevision(3))));
    assertEquals(List.of("a", "b", "c"), keys(store.range(all().setRevision(-1))));
  }

  @Test
  void countIgnoresLimitAndFilters() {
    putAll("a", "b", "c", "d");
    RangeResponse.Builder response = store.range(all().setLimit(2));
    assertEquals(List.of("a", "b"), keys(response));
    assertEquals(4, response.getCount());
    assertTrue(response.getMore());
    assertFalse(store.range(all().setLimit(4)).getMore());
    assertTrue(store.range(range("a", "d").setLimit(2)).getMore());
    assertEquals(3, store.range(range("a", "d").setLimit(1)).getCount());
    assertEquals(4, store.range(all().setLimit(-1)).getKvsCount());
    assertEquals(4, store.range(all().setLimit(Long.MAX_VALUE)).getKvsCount());

    RangeResponse.Builder filtered =
        store.range(all().setMinModRevision(3).setMaxModRevision(4).setLimit(2));
    assertEquals(List.of("b", "c"), keys(filtered));
    assertFalse(filtered.getMore());
    assertEquals(4, filtered.getCount());
    RangeResponse.Builder cut = store.range(all().setMinModRevision(3).setLimit(1));
    assertEquals(List.of("b"), keys(cut));
    assertTrue(cut.getMore());
  }

  @Test
  void filtersApplyToASingleKeyAndNotToItsCount() {
    putAll("a", "a");
    assertEquals(1, store.range(get("a").setMinModRevision(3).setMaxModRevision(3)).getKvsCount());
    RangeResponse.Builder out = store.range(get("a").setMinCreateRevision(3));
    assertEquals(0, out.getKvsCount());
    assertEquals(1, out.getCount());
    assertEquals(1, store.range(get("a").setMaxCreateRevision(2)).getKvsCount());
    assertEquals(0, store.range(get("a").setMaxModRevision(2)).getKvsCount());
    assertEquals(1, store.range(get("a").setMaxModRevision(2).setRevision(2)).getKvsCount());
  }

  @Test
  void countOnly() {
    putAll("a", "b", "c");
    RangeResponse.Builder response =
        store.range(all().setCountOnly(true).setLimit(1).setMinModRevision(9));
    assertEquals(3, response.getCount());
    assertEquals(0, response.getKvsCount());
    assertFalse(response.getMore());
    assertEquals(2, store.range(range("b", "x").setCountOnly(true)).getCount());
    assertEquals(1, store.range(get("b").setCountOnly(true)).getCount());
    assertEquals(0, store.range(get("x").setCountOnly(true)).getCount());
  }

  @Test
  void sortOrders() {
    store.put("c", "1");
    store.put("a", "3");
    store.put("b", "2");
    store.put("c", "0");
    assertEquals(List.of("a", "b", "c"), sorted(SortTarget.KEY, SortOrder.ASCEND));
    assertEquals(List.of("c", "b", "a"), sorted(SortTarget.KEY, SortOrder.DESCEND));
    assertEquals(List.of("c", "a", "b"), sorted(SortTarget.CREATE, SortOrder.ASCEND));
    assertEquals(List.of("b", "a", "c"), sorted(SortTarget.CREATE, SortOrder.DESCEND));
    assertEquals(List.of("a", "b", "c"), sorted(SortTarget.MOD, SortOrder.ASCEND));
    assertEquals(List.of("c", "b", "a"), sorted(SortTarget.MOD, SortOrder.DESCEND));
    assertEquals(List.of("c", "b", "a"), sorted(SortTarget.VALUE, SortOrder.ASCEND));
    assertEquals(List.of("a", "b", "c"), sorted(SortTarget.VALUE, SortOrder.DESCEND));
  }

  @Test
  void equalsKeepKeyOrderInBothDirections() {
    putAll("a", "b", "c", "b");
    assertEquals(List.of("a", "c", "b"), sorted(SortTarget.VERSION, SortOrder.ASCEND));
    assertEquals(List.of("b", "a", "c"), sorted(SortTarget.VERSION, SortOrder.DESCEND));
  }

  @Test
  void orderNoneWithAnotherTargetSortsAscending() {
    store.put("c", "1");
    store.put("a", "3");
    store.put("b", "2");
    assertEquals(List.of("a", "b", "c"), sorted(SortTarget.KEY, SortOrder.NONE));
    assertEquals(List.of("c", "a", "b"), sorted(SortTarget.MOD, SortOrder.NONE));
    assertEquals(List.of("c", "b", "a"), sorted(SortTarget.VALUE, SortOrder.NONE));
  }

  /** etcd then reads limit + 1 keys in key order, and sorts those. */
  @Test
  void orderNoneWithALimitSortsOnlyWhatTheLimitLetIn() {
    putAll("d", "c", "b", "a");
    RangeResponse.Builder response = store.range(all().setSortTarget(SortTarget.MOD).setLimit(2));
    assertEquals(List.of("c", "b"), keys(response));
    assertTrue(response.getMore());
    assertEquals(4, response.getCount());
    assertEquals(
        List.of("d", "c"),
        keys(
            store.range(
                all().setSortTarget(SortTarget.MOD).setSortOrder(SortOrder.ASCEND).setLimit(2))));
    assertEquals(
        List.of("d", "c"),
        keys(store.range(all().setSortTarget(SortTarget.MOD).setMinModRevision(1).setLimit(2))));
  }

  @Test
  void limitIsAppliedAfterFilterAndSort() {
    putAll("a", "b", "c", "d");
    RangeResponse.Builder response =
        store.range(
            all()
                .setSortTarget(SortTarget.MOD)
                .setSortOrder(SortOrder.DESCEND)
                .setMaxModRevision(4)
                .setLimit(2));
    assertEquals(List.of("c", "b"), keys(response));
    assertTrue(response.getMore());
    RangeResponse.Builder last = store.range(all().setSortOrder(SortOrder.DESCEND).setLimit(1));
    assertEquals(List.of("d"), keys(last));
    assertTrue(last.getMore());
    assertFalse(store.range(all().setSortOrder(SortOrder.DESCEND).setLimit(4)).getMore());
  }

  @Test
  void keysOnlyLosesTheLeaseUnlessSortedByValue() {
    store.put(put("a", "2").setLease(TestKeyspace.LEASE));
    store.put(put("b", "1").setLease(TestKeyspace.LEASE));
    assertEquals(
        List.of("a= create 2 mod 2 version 1 lease 0", "b= create 3 mod 3 version 1 lease 0"),
        store.range(all().setKeysOnly(true)).getKvsList().stream().map(Requests::text).toList());
    assertEquals(
        "a= create 2 mod 2 version 1 lease 0",
        text(store.range(get("a").setKeysOnly(true)).getKvs(0)));
    assertEquals(
        List.of("b= create 3 mod 3 version 1 lease 7", "a= create 2 mod 2 version 1 lease 7"),
        store.range(all().setKeysOnly(true).setSortTarget(SortTarget.VALUE)).getKvsList().stream()
            .map(Requests::text)
            .toList());
    assertEquals(
        "a= create 2 mod 2 version 1 lease 7",
        text(store.range(get("a").setKeysOnly(true).setSortTarget(SortTarget.VALUE)).getKvs(0)));
  }

  @Test
  void anEmptyValueIsAKey() {
    store.put("a", "");
    assertEquals(1, store.range(get("a")).getCount());
    assertEquals(ByteString.EMPTY, store.range(get("a")).getKvs(0).getValue());
  }

  private List<String> sorted(SortTarget target, SortOrder order) {
    return keys(store.range(all().setSortTarget(target).setSortOrder(order)));
  }
}
