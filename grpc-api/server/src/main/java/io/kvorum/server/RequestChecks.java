package io.kvorum.server;

import io.grpc.Status;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.etcdserverpb.Compare;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What can be refused by looking at the request alone, before anything is proposed or read. Each
 * method gives the first error in etcd's order, or null (server/etcdserver/api/v3rpc/key.go).
 */
final class RequestChecks {
  private final int maxTxnOps;

  RequestChecks(int maxTxnOps) {
    this.maxTxnOps = maxTxnOps;
  }

  static @Nullable EtcdError range(RangeRequest range) {
    if (range.getKey().isEmpty()) {
      return EtcdError.EMPTY_KEY;
    }
    // Open enums: a number that this contract does not know has survived decoding to be refused
    // here.
    if (range.getSortOrder() == RangeRequest.SortOrder.UNRECOGNIZED
        || range.getSortTarget() == RangeRequest.SortTarget.UNRECOGNIZED) {
      return EtcdError.INVALID_SORT_OPTION;
    }
    return null;
  }

  /**
   * Clients take UNIMPLEMENTED as "not here", and page through the range instead (etcd:
   * checkRangeStreamRequest, whose errors are in no table).
   */
  static @Nullable Status rangeStream(RangeRequest range) {
    EtcdError invalid = range(range);
    if (invalid != null) {
      return invalid.status();
    }
    if (range.getSortOrder() == RangeRequest.SortOrder.DESCEND
        || range.getSortOrder() == RangeRequest.SortOrder.ASCEND
            && range.getSortTarget() != RangeRequest.SortTarget.KEY) {
      return Status.UNIMPLEMENTED.withDescription(
          "RangeStream does not support custom sort orders");
    }
    boolean filtered =
        range.getMinModRevision() != 0
            || range.getMaxModRevision() != 0
            || range.getMinCreateRevision() != 0
            || range.getMaxCreateRevision() != 0;
    return filtered
        ? Status.UNIMPLEMENTED.withDescription("RangeStream does not support revision filters")
        : null;
  }

  static @Nullable EtcdError put(PutRequest put) {
    if (put.getKey().isEmpty()) {
      return EtcdError.EMPTY_KEY;
    }
    if (put.getIgnoreValue() && !put.getValue().isEmpty()) {
      return EtcdError.VALUE_PROVIDED;
    }
    if (put.getIgnoreLease() && put.getLease() != 0) {
      return EtcdError.LEASE_PROVIDED;
    }
    return null;
  }

  static @Nullable EtcdError deleteRange(DeleteRangeRequest delete) {
    return delete.getKey().isEmpty() ? EtcdError.EMPTY_KEY : null;
  }

  @Nullable EtcdError txn(TxnRequest txn) {
    EtcdError shape = shape(txn, maxTxnOps);
    if (shape != null) {
      return shape;
    }
    // After the count of operations is known to be bounded.
    return TxnKeys.clash(txn.getSuccessList()) || TxnKeys.clash(txn.getFailureList())
        ? EtcdError.DUPLICATE_KEY
        : null;
  }

  /**
   * A nested transaction is allowed as many operations as its outer one's longest list left over.
   */
  private static @Nullable EtcdError shape(TxnRequest txn, int allowance) {
    int longest =
        Math.max(txn.getCompareCount(), Math.max(txn.getSuccessCount(), txn.getFailureCount()));
    if (longest > allowance) {
      return EtcdError.TOO_MANY_OPS;
    }
    for (Compare compare : txn.getCompareList()) {
      if (compare.getKey().isEmpty()) {
        return EtcdError.EMPTY_KEY;
      }
    }
    EtcdError success = ops(txn.getSuccessList(), allowance - longest);
    return success != null ? success : ops(txn.getFailureList(), allowance - longest);
  }

  private static @Nullable EtcdError ops(List<RequestOp> ops, int allowance) {
    for (RequestOp op : ops) {
      EtcdError error =
          switch (op.getRequestCase()) {
            case REQUEST_RANGE -> range(op.getRequestRange());
            case REQUEST_PUT -> put(op.getRequestPut());
            case REQUEST_DELETE_RANGE -> deleteRange(op.getRequestDeleteRange());
            case REQUEST_TXN -> shape(op.getRequestTxn(), allowance);
            case REQUEST_NOT_SET -> EtcdError.KEY_NOT_FOUND;
          };
      if (error != null) {
        return error;
      }
    }
    return null;
  }
}
