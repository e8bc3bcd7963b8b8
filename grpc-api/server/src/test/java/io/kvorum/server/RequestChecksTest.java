package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.etcdserverpb.Compare;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class RequestChecksTest {
  private static final RequestChecks CHECKS = new RequestChecks(4);
  private static final String TO_THE_LAST_KEY = "\0";

  @Test
  void rangeNeedsAKey() {
    assertEquals(EtcdError.EMPTY_KEY, RequestChecks.range(RangeRequest.getDefaultInstance()));
    assertEquals(
        EtcdError.EMPTY_KEY,
        RequestChecks.range(RangeRequest.newBuilder().setRangeEnd(bytes("z")).build()));
    assertNull(RequestChecks.range(RangeRequest.newBuilder().setKey(bytes("a")).build()));
  }

  @Test
  void rangeTakesEverySortNumberOfTheContractAndNoOther() {
    for (int number = -1; number <= 5; number++) {
      assertEquals(
          number >= 0 && number <= 2 ? null : EtcdError.INVALID_SORT_OPTION,
          RequestChecks.range(
              RangeRequest.newBuilder().setKey(bytes("a")).setSortOrderValue(number).build()),
          "order " + number);
      assertEquals(
          number >= 0 && number <= 4 ? null : EtcdError.INVALID_SORT_OPTION,
          RequestChecks.range(
              RangeRequest.newBuilder().setKey(bytes("a")).setSortTargetValue(number).build()),
          "target " + number);
    }
  }

  @Test
  void anEmptyKeyComesBeforeASortOption() {
    assertEquals(
        EtcdError.EMPTY_KEY,
        RequestChecks.range(RangeRequest.newBuilder().setSortOrderValue(9).build()));
  }

  @Test
  void putIsCheckedForKeyThenValueThenLease() {
    PutRequest.Builder put =
        PutRequest.newBuilder()
            .setIgnoreValue(true)
            .setValue(bytes("v"))
            .setIgnoreLease(true)
            .setLease(1);
    assertEquals(EtcdError.EMPTY_KEY, RequestChecks.put(put.build()));
    assertEquals(EtcdError.VALUE_PROVIDED, RequestChecks.put(put.setKey(bytes("k")).build()));
    assertEquals(EtcdError.LEASE_PROVIDED, RequestChecks.put(put.clearValue().build()));
    assertNull(RequestChecks.put(put.clearLease().build()));
  }

  @Test
  void deleteNeedsAKey() {
    assertEquals(
        EtcdError.EMPTY_KEY, RequestChecks.deleteRange(DeleteRangeRequest.getDefaultInstance()));
    assertNull(
        RequestChecks.deleteRange(DeleteRangeRequest.newBuilder().setKey(bytes("a")).build()));
  }

  @Test
  void theLongestListOfATxnCounts() {
    Compare compare = Compare.newBuilder().setKey(bytes("a")).build();
    for (int n = 3; n <= 6; n++) {
      EtcdError expected = n <= 4 ? null : EtcdError.TOO_MANY_OPS;
      List<RequestOp> ranges = Collections.nCopies(n, range("a"));
      assertEquals(expected, CHECKS.txn(success(ranges).build()), "success " + n);
      assertEquals(
          expected,
          CHECKS.txn(TxnRequest.newBuilder().addAllFailure(ranges).build()),
          "failure " + n);
      assertEquals(
          expected,
          CHECKS.txn(
              TxnRequest.newBuilder().addAllCompare(Collections.nCopies(n, compare)).build()),
          "compare " + n);
    }
  }

  @Test
  void aNestedTxnIsAllowedWhatTheOuterOneLeaves() {
    // Of 4, an outer list of 1 leaves 3 and one of 2 leaves 2.
    assertNull(CHECKS.txn(txn(nested(txn(range("a"), range("a"), range("a"))))));
    assertEquals(
        EtcdError.TOO_MANY_OPS,
        CHECKS.txn(txn(nested(txn(range("a"), range("a"), range("a"), range("a"))))));
    assertEquals(
        EtcdError.TOO_MANY_OPS,
        CHECKS.txn(txn(range("a"), nested(txn(range("a"), range("a"), range("a"))))));
    assertNull(CHECKS.txn(txn(nested(txn(nested(txn(nested(txn(range("a"))))))))));
    assertEquals(
        EtcdError.TOO_MANY_OPS,
        CHECKS.txn(txn(nested(txn(nested(txn(nested(txn(nested(txn(range("a"))))))))))));
  }

  @Test
  void tooManyOpsComesBeforeEmptyKeysAndThoseInTheOrderOfTheLists() {
    assertEquals(
        EtcdError.TOO_MANY_OPS,
        CHECKS.txn(success(Collections.nCopies(5, RequestOp.getDefaultInstance())).build()));
    assertEquals(
        EtcdError.EMPTY_KEY,
        CHECKS.txn(
            TxnRequest.newBuilder()
                .addCompare(Compare.getDefaultInstance())
                .addSuccess(RequestOp.getDefaultInstance())
                .build()));
    assertEquals(
        EtcdError.KEY_NOT_FOUND,
        CHECKS.txn(
            TxnRequest.newBuilder()
                .addSuccess(RequestOp.getDefaultInstance())
                .addFailure(range(""))
                .build()));
    assertEquals(
        EtcdError.EMPTY_KEY,
        CHECKS.txn(
            TxnRequest.newBuilder()
                .addSuccess(range(""))
                .addFailure(RequestOp.getDefaultInstance())
                .build()));
  }

  @Test
  void everyOpIsCheckedLikeItsOwnRequest() {
    assertEquals(EtcdError.EMPTY_KEY, CHECKS.txn(txn(put(""))));
    assertEquals(EtcdError.EMPTY_KEY, CHECKS.txn(txn(delete("", ""))));
    assertEquals(
        EtcdError.VALUE_PROVIDED,
        CHECKS.txn(
            txn(
                RequestOp.newBuilder()
                    .setRequestPut(
                        PutRequest.newBuilder()
                            .setKey(bytes("a"))
                            .setValue(bytes("v"))
                            .setIgnoreValue(true))
                    .build())));
    assertEquals(
        EtcdError.INVALID_SORT_OPTION,
        CHECKS.txn(
            txn(
                nested(
                    txn(
                        RequestOp.newBuilder()
                            .setRequestRange(
                                RangeRequest.newBuilder().setKey(bytes("a")).setSortTargetValue(77))
                            .build())))));
  }

  @Test
  void onePutPerKeyInAList() {
    assertEquals(EtcdError.DUPLICATE_KEY, CHECKS.txn(txn(put("a"), put("a"))));
    assertNull(CHECKS.txn(txn(put("a"), put("b"))));
    assertEquals(
        EtcdError.DUPLICATE_KEY,
        CHECKS.txn(TxnRequest.newBuilder().addFailure(put("a")).addFailure(put("a")).build()));
  }

  @Test
  void theTwoListsOfTheOutermostTxnAreLookedAtApart() {
    assertNull(
        CHECKS.txn(TxnRequest.newBuilder().addSuccess(put("a")).addFailure(put("a")).build()));
    assertNull(
        CHECKS.txn(
            TxnRequest.newBuilder().addSuccess(put("a")).addFailure(delete("a", "")).build()));
  }

  @Test
  void aPutInADeletedIntervalIsRefusedInEitherOrder() {
    assertEquals(EtcdError.DUPLICATE_KEY, CHECKS.txn(txn(put("b"), delete("a", "c"))));
    assertEquals(EtcdError.DUPLICATE_KEY, CHECKS.txn(txn(delete("a", "c"), put("b"))));
    assertEquals(EtcdError.DUPLICATE_KEY, CHECKS.txn(txn(delete("a", "c"), put("a"))));
    assertNull(CHECKS.txn(txn(delete("a", "c"), put("c"))));
    assertEquals(EtcdError.DUPLICATE_KEY, CHECKS.txn(txn(delete("a", ""), put("a"))));
    assertNull(CHECKS.txn(txn(delete("a", ""), put("a\0"))));
    assertNull(CHECKS.txn(txn(delete("a", ""), put("aa"))));
  }

  @Test
  void anIntervalWithItsEndBeforeItsBeginHoldsNothing() {
    assertNull(CHECKS.txn(txn(delete("c", "a"), put("b"), put("c"), put("a"))));
  }

  @Test
  void deleteOverDeleteIsAllowed() {
    assertNull(CHECKS.txn(txn(delete("a", "c"), delete("b", "d"), delete("a", "c"))));
  }

  @Test
  void aDeleteToTheLastKeyIsNotHeldAgainstPuts() {
    assertNull(CHECKS.txn(txn(delete("a", TO_THE_LAST_KEY), put("b"))));
    assertNull(CHECKS.txn(txn(put("a"), delete("a", TO_THE_LAST_KEY))));
  }

  @Test
  void theBranchesOfANestedTxnExcludeEachOther() {
    TxnRequest both = TxnRequest.newBuilder().addSuccess(put("a")).addFailure(put("a")).build();
    assertNull(CHECKS.txn(txn(nested(both))));
    assertEquals(EtcdError.DUPLICATE_KEY, CHECKS.txn(txn(nested(both), put("a"))));
    assertEquals(EtcdError.DUPLICATE_KEY, CHECKS.txn(txn(put("a"), nested(both))));
  }

  @Test
  void siblingsAndTheOuterListAreHeldAgainstEachOther() {
    assertEquals(
        EtcdError.DUPLICATE_KEY, CHECKS.txn(txn(nested(txn(put("a"))), nested(txn(put("a"))))));
    assertEquals(
        EtcdError.DUPLICATE_KEY,
        CHECKS.txn(
            txn(
                nested(txn(put("a"))),
                nested(TxnRequest.newBuilder().addFailure(put("a")).build()))));
    assertEquals(EtcdError.DUPLICATE_KEY, CHECKS.txn(txn(delete("a", "c"), nested(txn(put("b"))))));
    assertEquals(EtcdError.DUPLICATE_KEY, CHECKS.txn(txn(put("b"), nested(txn(delete("a", "c"))))));
    assertEquals(
        EtcdError.DUPLICATE_KEY,
        CHECKS.txn(txn(nested(txn(delete("a", "c"))), nested(txn(put("b"))))));
  }

  @Test
  void aPutInAnEarlierSiblingIsNotHeldAgainstADeleteInALaterOne() {
    assertNull(CHECKS.txn(txn(nested(txn(put("b"))), nested(txn(delete("a", "c"))))));
  }

  private static TxnRequest.Builder success(List<RequestOp> ops) {
    return TxnRequest.newBuilder().addAllSuccess(ops);
  }

  private static TxnRequest txn(RequestOp... ops) {
    return success(List.of(ops)).build();
  }

  private static RequestOp nested(TxnRequest txn) {
    return RequestOp.newBuilder().setRequestTxn(txn).build();
  }

  private static RequestOp range(String key) {
    return RequestOp.newBuilder()
        .setRequestRange(RangeRequest.newBuilder().setKey(bytes(key)))
        .build();
  }

  private static RequestOp put(String key) {
    return RequestOp.newBuilder().setRequestPut(PutRequest.newBuilder().setKey(bytes(key))).build();
  }

  private static RequestOp delete(String key, String rangeEnd) {
    return RequestOp.newBuilder()
        .setRequestDeleteRange(
            DeleteRangeRequest.newBuilder().setKey(bytes(key)).setRangeEnd(bytes(rangeEnd)))
        .build();
  }

  private static ByteString bytes(String text) {
    return ByteString.copyFromUtf8(text);
  }
}
