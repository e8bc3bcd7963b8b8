package io.kvorum.verification.conformance.differential;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.etcd.jetcd.api.Compare;
import io.etcd.jetcd.api.RequestOp;
import io.etcd.jetcd.api.TxnRequest;
import java.util.SplittableRandom;

/**
 * Transactions: compares of every kind, branches of every operation, nested to some depth, and ones
 * that must be refused.
 */
final class TxnSource {
  private static final int MAX_DEPTH = 3;
  private static final int MAX_TXN_OPS = 128;
  private static final int COMPARE_LEASE_FIELD = 8;

  private final SplittableRandom random;
  private final KeyPool keys;
  private final RequestSource requests;

  TxnSource(SplittableRandom random, KeyPool keys, RequestSource requests) {
    this.random = random;
    this.keys = keys;
    this.requests = requests;
  }

  TxnRequest next() {
    if (requests.oneIn(150)) return crowded();
    var txn = txn(0, requests.oneIn(4));
    return deletesOpenEnded(txn) ? withoutIgnore(txn) : txn;
  }

  /**
   * A put with ignore_value that follows an open-ended delete of its key in one txn ends an etcd
   * process (3.4 to 3.7): the duplicate check does not see that such a delete covers the key, the
   * check before applying still finds the key, and applying then does not. So the stream never
   * holds both; what Kvorum does then has a test of its own.
   */
  private static boolean deletesOpenEnded(TxnRequest txn) {
    return Operations.of(txn)
        .anyMatch(
            op ->
                op.hasRequestTxn()
                    ? deletesOpenEnded(op.getRequestTxn())
                    : op.getRequestDeleteRange().getRangeEnd().equals(KeyPool.OPEN_END));
  }

  private static TxnRequest withoutIgnore(TxnRequest txn) {
    return txn.toBuilder()
        .clearSuccess()
        .addAllSuccess(txn.getSuccessList().stream().map(TxnSource::withoutIgnore).toList())
        .clearFailure()
        .addAllFailure(txn.getFailureList().stream().map(TxnSource::withoutIgnore).toList())
        .build();
  }

  private static RequestOp withoutIgnore(RequestOp op) {
    var changed = op.toBuilder();
    if (op.hasRequestPut()) changed.getRequestPutBuilder().clearIgnoreValue().clearIgnoreLease();
    if (op.hasRequestTxn()) changed.setRequestTxn(withoutIgnore(op.getRequestTxn()));
    return changed.build();
  }

  private TxnRequest txn(int depth, boolean readOnly) {
    var txn = TxnRequest.newBuilder();
    for (int i = random.nextInt(3); i > 0; i--) txn.addCompare(compare());
    for (int i = random.nextInt(5); i > 0; i--) txn.addSuccess(op(depth, readOnly));
    for (int i = random.nextInt(4); i > 0; i--) txn.addFailure(op(depth, readOnly));
    return txn.build();
  }

  private RequestOp op(int depth, boolean readOnly) {
    var op = RequestOp.newBuilder();
    int dice = random.nextInt(100);
    if (readOnly || dice < 35) return op.setRequestRange(requests.range()).build();
    if (dice < 70) return op.setRequestPut(requests.put()).build();
    if (dice < 82) return op.setRequestDeleteRange(requests.delete()).build();
    if (dice < 99 && depth < MAX_DEPTH)
      return op.setRequestTxn(txn(depth + 1, requests.oneIn(3))).build();
    return op.build(); // no request set
  }

  /** Around the limit of operations per list, also where nesting shares it. */
  private TxnRequest crowded() {
    var list = TxnRequest.newBuilder();
    int count = MAX_TXN_OPS - 1 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      var key = ByteString.copyFromUtf8("key/%02d".formatted(i % 16));
      list.addSuccess(
          RequestOp.newBuilder()
              .setRequestDeleteRange(requests.delete().toBuilder().setKey(key).clearRangeEnd()));
    }
    return switch (random.nextInt(4)) {
      case 0 -> list.build();
      case 1 ->
          TxnRequest.newBuilder().addSuccess(RequestOp.newBuilder().setRequestTxn(list)).build();
      case 2 -> manyCompares(count);
      default ->
          TxnRequest.newBuilder()
              .addCompare(compare())
              .addFailure(RequestOp.newBuilder().setRequestTxn(list))
              .build();
    };
  }

  private TxnRequest manyCompares(int count) {
    var txn = TxnRequest.newBuilder();
    for (int i = 0; i < count; i++) txn.addCompare(compare());
    return txn.build();
  }

  private Compare compare() {
    var compare = Compare.newBuilder();
    compare.setResultValue(requests.oneIn(40) ? 4 + random.nextInt(3) : random.nextInt(4));
    compare.setTargetValue(requests.oneIn(40) ? 5 + random.nextInt(3) : random.nextInt(5));
    var interval = keys.interval();
    compare.setKey(interval.key());
    if (requests.oneIn(3)) compare.setRangeEnd(interval.end());
    boolean wrongKind = requests.oneIn(20);
    int kind = wrongKind ? random.nextInt(6) : Math.clamp(compare.getTargetValue(), 0, 5);
    switch (kind) {
      case 0 -> compare.setVersion(random.nextInt(5));
      case 1 -> compare.setCreateRevision(comparedRevision());
      case 2 -> compare.setModRevision(comparedRevision());
      case 3 -> compare.setValue(keys.value());
      case 4 -> compare.setUnknownFields(lease(random.nextInt(3) - 1L));
      default -> compare.clearTargetUnion();
    }
    return compare.build();
  }

  /** jetcd's classes are older than this member of the union; on the wire it is the same. */
  private static UnknownFieldSet lease(long id) {
    var field = UnknownFieldSet.Field.newBuilder().addVarint(id).build();
    return UnknownFieldSet.newBuilder().addField(COMPARE_LEASE_FIELD, field).build();
  }

  private long comparedRevision() {
    return requests.oneIn(2) ? 0 : requests.currentRevision() - random.nextInt(60);
  }
}
