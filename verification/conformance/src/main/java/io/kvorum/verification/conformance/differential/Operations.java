package io.kvorum.verification.conformance.differential;

import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.RequestOp;
import io.etcd.jetcd.api.TxnRequest;
import java.util.stream.Stream;

/** What a call holds: operations at any depth of nesting and in either branch. */
final class Operations {
  private Operations() {}

  static Stream<RangeRequest> ranges(Call call) {
    return call instanceof Call.Range range
        ? Stream.of(range.request())
        : in(call).filter(RequestOp::hasRequestRange).map(RequestOp::getRequestRange);
  }

  static Stream<PutRequest> puts(Call call) {
    return call instanceof Call.Put put
        ? Stream.of(put.request())
        : in(call).filter(RequestOp::hasRequestPut).map(RequestOp::getRequestPut);
  }

  /** The operations of one level, of both branches. */
  static Stream<RequestOp> of(TxnRequest txn) {
    return Stream.concat(txn.getSuccessList().stream(), txn.getFailureList().stream());
  }

  private static Stream<RequestOp> in(Call call) {
    return call instanceof Call.Txn txn
        ? of(txn.request()).flatMap(Operations::flattened)
        : Stream.empty();
  }

  private static Stream<RequestOp> flattened(RequestOp op) {
    return op.hasRequestTxn()
        ? of(op.getRequestTxn()).flatMap(Operations::flattened)
        : Stream.of(op);
  }
}
