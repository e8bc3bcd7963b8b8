package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.OPEN_END;
import static io.kvorum.persistence.mvcc.Requests.all;
import static io.kvorum.persistence.mvcc.Requests.bytes;
import static io.kvorum.persistence.mvcc.Requests.compare;
import static io.kvorum.persistence.mvcc.Requests.delete;
import static io.kvorum.persistence.mvcc.Requests.get;
import static io.kvorum.persistence.mvcc.Requests.keys;
import static io.kvorum.persistence.mvcc.Requests.ok;
import static io.kvorum.persistence.mvcc.Requests.op;
import static io.kvorum.persistence.mvcc.Requests.put;
import static io.kvorum.persistence.mvcc.Requests.refusal;
import static io.kvorum.persistence.mvcc.Requests.text;
import static io.kvorum.persistence.mvcc.Requests.txn;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.etcdserverpb.Compare;
import io.kvorum.protocol.etcdserverpb.Compare.CompareResult;
import io.kvorum.protocol.etcdserverpb.Compare.CompareTarget;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.ResponseOp;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** KV.Txn, rule by rule. */
class TxnTest {

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

  private boolean holds(Compare.Builder... compares) {
    TxnRequest.Builder request = TxnRequest.newBuilder();
    for (Compare.Builder compare : compares) {
      request.addCompare(compare);
    }
    boolean applied = store.txn(request).getSucceeded();
    assertEquals(applied, store.read(view -> ok(view.readOnlyTxn(request.build()))).getSucceeded());
    return applied;
  }

  private static Compare.Builder version(String key, CompareResult result, long version) {
    return compare(key, CompareTarget.VERSION, result).setVersion(version);
  }

  private static Compare.Builder value(String key, CompareResult result, String value) {
    return compare(key, CompareTarget.VALUE, result).setValue(bytes(value));
  }

  @Test
  void targetsAndResults() {
    store.put(put("a", "m").setLease(TestKeyspace.LEASE));
    store.put(put("a", "n").setLease(TestKeyspace.LEASE));
    assertTrue(holds());
    assertTrue(holds(version("a", CompareResult.EQUAL, 2)));
    assertFalse(holds(version("a", CompareResult.EQUAL, 1)));
    assertTrue(holds(version("a", CompareResult.GREATER, 1)));
    assertFalse(holds(version("a", CompareResult.GREATER, 2)));
    assertTrue(holds(version("a", CompareResult.LESS, 3)));
    assertFalse(holds(version("a", CompareResult.LESS, 2)));
    assertTrue(holds(version("a", CompareResult.NOT_EQUAL, 3)));
    assertFalse(holds(version("a", CompareResult.NOT_EQUAL, 2)));
    assertTrue(holds(compare("a", CompareTarget.CREATE, CompareResult.EQUAL).setCreateRevision(2)));
    assertTrue(holds(compare("a", CompareTarget.MOD, CompareResult.EQUAL).setModRevision(3)));
    assertTrue(holds(compare("a", CompareTarget.LEASE, CompareResult.EQUAL).setLease(7)));
    assertTrue(holds(value("a", CompareResult.EQUAL, "n")));
    assertTrue(holds(value("a", CompareResult.GREATER, "m")));
    assertTrue(holds(value("a", CompareResult.LESS, "nn")));
    assertTrue(holds(value("a", CompareResult.GREATER, "")));
    assertFalse(holds(value("a", CompareResult.EQUAL, "n"), version("a", CompareResult.EQUAL, 1)));
    assertTrue(holds(value("a", CompareResult.EQUAL, "n"), version("a", CompareResult.EQUAL, 2)));
  }

  @Test
  void aMissingKeyIsARecordOfZerosWithoutValue() {
    assertTrue(holds(compare("a", CompareTarget.CREATE, CompareResult.EQUAL)));
    assertTrue(holds(version("a", CompareResult.LESS, 1)));
    assertFalse(holds(version("a", CompareResult.GREATER, 0)));
    assertTrue(holds(compare("a", CompareTarget.MOD, CompareResult.EQUAL).setModRevision(0)));
    assertTrue(holds(compare("a", CompareTarget.LEASE, CompareResult.EQUAL).setLease(0)));
    for (CompareResult result :
        List.of(
            CompareResult.EQUAL,
            CompareResult.GREATER,
            CompareResult.LESS,
            CompareResult.NOT_EQUAL)) {
      assertFalse(holds(value("a", result, "")), () -> "VALUE " + result);
      assertFalse(
          holds(value("a", result, "x").setRangeEnd(bytes("z"))),
          () -> "VALUE of nothing " + result);
    }
    store.put("a", "");
    assertTrue(holds(value("a", CompareResult.EQUAL, "")));
    store.delete(delete("a"));
    assertTrue(holds(version("a", CompareResult.EQUAL, 0)));
  }

  @Test
  void rangesOfKeys() {
    store.put("a", "1");
    store.put("b", "1");
    store.put("b", "1");
    assertTrue(holds(version("a", CompareResult.GREATER, 0).setRangeEnd(bytes("c"))));
    assertFalse(holds(version("a", CompareResult.EQUAL, 1).setRangeEnd(bytes("c"))));
    assertFalse(holds(version("a", CompareResult.EQUAL, 1).setRangeEnd(OPEN_END)));
    assertTrue(holds(value("a", CompareResult.EQUAL, "1").setRangeEnd(OPEN_END)));
    assertTrue(holds(version("x", CompareResult.EQUAL, 0).setRangeEnd(OPEN_END)));
    assertTrue(holds(version("b", CompareResult.EQUAL, 0).setRangeEnd(bytes("a"))));
    assertFalse(holds(version("x", CompareResult.GREATER, 0).setRangeEnd(OPEN_END)));
  }

  @Test
  void whatIsGivenInTheWrongFieldIsZero() {
    store.put("a", "1");
    assertTrue(holds(compare("a", CompareTarget.VERSION, CompareResult.GREATER)));
    assertTrue(
        holds(compare("a", CompareTarget.VERSION, CompareResult.GREATER).setModRevision(99)));
    assertTrue(holds(compare("a", CompareTarget.VALUE, CompareResult.GREATER).setVersion(99)));
    assertFalse(holds(compare("a", CompareTarget.VERSION, CompareResult.EQUAL).setModRevision(1)));
  }

  @Test
  void unknownTargetsAndResults() {
    store.put("a", "1");
    assertTrue(holds(Compare.newBuilder().setKey(bytes("a")).setTargetValue(77).setVersion(5)));
    assertFalse(
        holds(
            Compare.newBuilder()
                .setKey(bytes("a"))
                .setTargetValue(77)
                .setResult(CompareResult.NOT_EQUAL)
                .setVersion(5)));
    assertTrue(holds(Compare.newBuilder().setKey(bytes("a")).setResultValue(77).setVersion(5)));
    assertTrue(holds(Compare.newBuilder().setKey(bytes("none")).setTargetValue(77)));
  }

  @Test
  void changesShareOneRevisionAndCountSubs() {
    store.put("x", "0");
    TxnResponse.Builder response =
        store.txn(
            txn(
                op(get("a")),
                op(put("a", "1")),
                op(get("a")),
                op(delete("nothing")),
                op(delete("x").setPrevKv(true)),
                op(put("b", "2").setPrevKv(true)),
                op(all().setCountOnly(true))));
    assertTrue(response.getSucceeded());
    assertEquals(3, response.getHeader().getRevision());
    assertEquals(
        List.of(2L, 3L, 3L, 3L, 3L, 3L, 3L),
        response.getResponsesList().stream().map(TxnTest::revision).toList());
    assertEquals(0, response.getResponses(0).getResponseRange().getCount());
    assertEquals(
        "a=1 create 3 mod 3 version 1 lease 0",
        text(response.getResponses(2).getResponseRange().getKvs(0)));
    assertEquals(0, response.getResponses(3).getResponseDeleteRange().getDeleted());
    assertEquals(1, response.getResponses(4).getResponseDeleteRange().getPrevKvsCount());
    assertEquals(2, response.getResponses(6).getResponseRange().getCount());
    assertEquals(List.of("3: PUT a=1", "3: DELETE x=", "3: PUT b=2"), store.historyText(3));
    assertEquals(store.historyText(3), TestKeyspace.eventText(store.events.subList(1, 2)));
  }

  private static long revision(ResponseOp op) {
    ResponseHeader header =
        switch (op.getResponseCase()) {
          case RESPONSE_RANGE -> op.getResponseRange().getHeader();
          case RESPONSE_PUT -> op.getResponsePut().getHeader();
          case RESPONSE_DELETE_RANGE -> op.getResponseDeleteRange().getHeader();
          case RESPONSE_TXN -> op.getResponseTxn().getHeader();
          case RESPONSE_NOT_SET -> throw new AssertionError("empty");
        };
    assertEquals(ResponseHeader.newBuilder().setRevision(header.getRevision()).build(), header);
    return header.getRevision();
  }

  @Test
  void withoutAChangeNothingBumps() {
    store.put("a", "1");
    TxnResponse.Builder response =
        store.txn(txn(op(get("a")), op(delete("b")), op(delete("c", "d"))));
    assertEquals(2, response.getHeader().getRevision());
    assertEquals(
        List.of(2L, 2L, 2L), response.getResponsesList().stream().map(TxnTest::revision).toList());
    assertEquals(2, store.keyspace.currentRevision());
    assertEquals(2, store.txn(TxnRequest.newBuilder()).getHeader().getRevision());
  }

  @Test
  void theFailureBranch() {
    TxnResponse.Builder response =
        store.txn(
            TxnRequest.newBuilder()
                .addCompare(version("a", CompareResult.GREATER, 0))
                .addSuccess(op(put("a", "yes")))
                .addFailure(op(put("a", "no"))));
    assertFalse(response.getSucceeded());
    assertEquals("no", store.range(get("a")).getKvs(0).getValue().toStringUtf8());
  }

  @Test
  void nestedComparesSeeTheStateBeforeAndNestedRangesTheStateNow() {
    TxnRequest.Builder inner =
        TxnRequest.newBuilder()
            .addCompare(version("a", CompareResult.GREATER, 0))
            .addSuccess(op(put("b", "saw a")))
            .addFailure(op(put("b", "no a")))
            .addFailure(op(get("a")));
    TxnResponse.Builder response = store.txn(txn(op(put("a", "1")), op(inner), op(get("b"))));
    TxnResponse nested = response.getResponses(1).getResponseTxn();
    assertFalse(nested.getSucceeded());
    assertTrue(nested.hasHeader());
    assertEquals(ResponseHeader.getDefaultInstance(), nested.getHeader());
    assertEquals(2, nested.getResponses(0).getResponsePut().getHeader().getRevision());
    assertEquals(1, nested.getResponses(1).getResponseRange().getCount());
    assertEquals(
        "no a", response.getResponses(2).getResponseRange().getKvs(0).getValue().toStringUtf8());
    assertEquals(List.of("2: PUT a=1", "2: PUT b=no a"), store.historyText(2));
  }

  @Test
  void siblingsAndDepth() {
    TxnRequest.Builder deepest = txn(op(put("d", "4")));
    TxnRequest.Builder first = txn(op(put("b", "2")), op(deepest));
    TxnRequest.Builder second =
        TxnRequest.newBuilder()
            .addCompare(version("d", CompareResult.EQUAL, 0))
            .addSuccess(op(put("e", "5")))
            .addFailure(op(put("f", "6")));
    store.txn(txn(op(put("a", "1")), op(first), op(put("c", "3")), op(second)));
    assertEquals(
        List.of("2: PUT a=1", "2: PUT b=2", "2: PUT d=4", "2: PUT c=3", "2: PUT e=5"),
        store.historyText(2));
  }

  @Test
  void oneBadOperationRefusesAll() {
    store.put("a", "1");
    store.put("a", "2");
    store.compact(2);
    for (TxnRequest.Builder bad :
        List.of(
            txn(op(put("b", "1")), op(get("a").setRevision(4))),
            txn(op(put("b", "1")), op(txn(op(get("a").setRevision(4))))))) {
      assertEquals(EtcdError.FUTURE_REV, refusal(store.tryTxn(bad)));
    }
    assertEquals(
        EtcdError.COMPACTED,
        refusal(store.tryTxn(txn(op(put("b", "1")), op(get("a").setRevision(1))))));
    assertEquals(
        EtcdError.LEASE_NOT_FOUND, refusal(store.tryTxn(txn(op(put("b", "1").setLease(9))))));
    assertEquals(
        EtcdError.KEY_NOT_FOUND,
        refusal(store.tryTxn(txn(op(put("c", "1")), op(put("b", "").setIgnoreValue(true))))));
    assertEquals(3, store.keyspace.currentRevision());
    assertEquals(List.of("a"), keys(store.range(all())));
    // The branch that is not taken is not checked.
    store.txn(txn(op(put("b", "1"))).addFailure(op(get("a").setRevision(99))));
    assertEquals(4, store.keyspace.currentRevision());
  }

  @Test
  void anIgnoringPutNeedsTheKeyBeforeTheTransaction() {
    // The key that an earlier operation creates does not count; nested, so that no rule on
    // duplicates is in the way.
    assertEquals(
        EtcdError.KEY_NOT_FOUND,
        refusal(
            store.tryTxn(txn(op(put("a", "1")), op(txn(op(put("a", "").setIgnoreValue(true))))))));
    store.put("a", "1");
    store.txn(txn(op(put("a", "").setIgnoreValue(true).setPrevKv(true))));
    assertEquals("a=1 create 2 mod 3 version 2 lease 0", text(store.range(get("a")).getKvs(0)));
    assertEquals(
        EtcdError.KEY_NOT_FOUND,
        refusal(
            store.tryTxn(
                txn(
                    op(delete("a").setRangeEnd(OPEN_END)),
                    op(put("a", "").setIgnoreValue(true))))));
    assertEquals(3, store.keyspace.currentRevision());
  }

  @Test
  void negativeRevisionsInsideATransaction() {
    store.put("a", "1");
    assertEquals(
        1,
        store.txn(txn(op(get("a").setRevision(-1)))).getResponses(0).getResponseRange().getCount());
    assertEquals(EtcdError.COMPACTED, refusal(store.tryTxn(txn(op(get("a").setRevision(-2))))));
    assertEquals(
        EtcdError.COMPACTED,
        refusal(store.read(view -> view.readOnlyTxn(txn(op(get("a").setRevision(-2))).build()))));
    store.compact(0);
    assertEquals(EtcdError.COMPACTED, refusal(store.tryTxn(txn(op(get("a").setRevision(-1))))));
  }

  @Test
  void aRangeAtTheRevisionBeforeSeesThatState() {
    store.put("a", "1");
    store.put("b", "1");
    TxnResponse.Builder response =
        store.txn(
            txn(
                op(put("a", "2")),
                op(delete("b")),
                op(put("c", "3")),
                op(all().setRevision(3)),
                op(get("a").setRevision(2)),
                op(all())));
    assertEquals(List.of("a", "b"), keys(response.getResponses(3).getResponseRange().toBuilder()));
    assertEquals(
        "1", response.getResponses(3).getResponseRange().getKvs(0).getValue().toStringUtf8());
    assertEquals(4, response.getResponses(3).getResponseRange().getHeader().getRevision());
    assertEquals(
        "1", response.getResponses(4).getResponseRange().getKvs(0).getValue().toStringUtf8());
    assertEquals(List.of("a", "c"), keys(response.getResponses(5).getResponseRange().toBuilder()));
  }

  @Test
  void historicReadsSeeEarlierEntriesOfTheSameBatch() {
    store.put("a", "1");
    try (ApplyBatch batch = store.keyspace.beginBatch()) {
      long index = store.keyspace.applied().index();
      ok(batch.put(at(++index), put("a", "2").build()));
      ok(batch.put(at(++index), put("b", "3").build()));
      ok(batch.deleteRange(at(++index), delete("a").build()));
      TxnResponse.Builder response =
          ok(
              batch.txn(
                  at(++index),
                  txn(
                          op(all().setRevision(2)),
                          op(all().setRevision(3)),
                          op(all().setRevision(4)),
                          op(get("a").setRevision(3)),
                          op(all()))
                      .build()));
      List<List<String>> seen =
          response.getResponsesList().stream()
              .map(each -> Requests.values(each.getResponseRange().getKvsList()))
              .toList();
      assertEquals(
          List.of(List.of("1"), List.of("2"), List.of("2", "3"), List.of("2"), List.of("3")), seen);
      batch.commit();
    }
  }

  /**
   * A put and a delete of everything may stand in one transaction: the check for duplicates does
   * not see that they overlap.
   */
  @Test
  void aKeyChangedTwiceInOneTransaction() throws Exception {
    store.put("a", "1");
    store.txn(txn(op(put("b", "1")), op(delete("a").setRangeEnd(OPEN_END))));
    assertEquals(List.of(), keys(store.range(all())));
    assertEquals(List.of(), keys(store.range(all().setRevision(3))));
    assertEquals(List.of("3: PUT b=1", "3: DELETE a=", "3: DELETE b="), store.historyText(3));
    store.txn(txn(op(delete("a").setRangeEnd(OPEN_END)), op(put("c", "1"))));
    store.txn(txn(op(delete("a").setRangeEnd(OPEN_END)), op(put("c", "2"))));
    assertEquals("c=2 create 5 mod 5 version 1 lease 0", text(store.range(get("c")).getKvs(0)));
    store.compactFully(5);
    assertEquals(List.of("5: DELETE c=", "5: PUT c=2"), store.historyText(5));
    assertEquals(
        "c=2 create 5 mod 5 version 1 lease 0",
        text(store.range(get("c").setRevision(5)).getKvs(0)));
    store.put("d", "1");
    store.compactFully(6);
    assertEquals(List.of("c", "d"), keys(store.range(all())));
  }

  @Test
  void readOnlyTransactions() {
    store.put("a", "1");
    TxnRequest request =
        TxnRequest.newBuilder()
            .addCompare(version("a", CompareResult.EQUAL, 1))
            .addSuccess(op(get("a")))
            .addSuccess(op(all().setKeysOnly(true).setRevision(2)))
            .build();
    TxnResponse.Builder response = store.read(view -> ok(view.readOnlyTxn(request)));
    assertEquals(2, response.getHeader().getRevision());
    assertEquals(
        List.of(2L, 2L), response.getResponsesList().stream().map(TxnTest::revision).toList());
    assertEquals(
        EtcdError.FUTURE_REV,
        refusal(store.read(view -> view.readOnlyTxn(txn(op(get("a").setRevision(3))).build()))));
    assertThrows(
        IllegalArgumentException.class,
        () -> store.read(view -> view.readOnlyTxn(txn(op(put("a", "2"))).build())));
  }

  private static io.kvorum.protocol.LogPosition at(long index) {
    return new io.kvorum.protocol.LogPosition(index, 1);
  }
}
