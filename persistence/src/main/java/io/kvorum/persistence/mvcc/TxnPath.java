package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.etcdserverpb.Compare;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import java.util.ArrayList;
import java.util.List;

/**
 * The branch that a transaction takes, and those of the transactions nested in it. All of it is
 * decided before anything is changed, so a nested comparison never sees what the outer transaction
 * puts (etcd: compareToPath).
 *
 * @param ops of the branch taken
 * @param nested the paths of the transactions among {@code ops}, in their order
 */
record TxnPath(boolean succeeded, List<RequestOp> ops, List<TxnPath> nested) {

  static TxnPath decide(Keys keys, TxnRequest request, OperationTotals.Tally tally) {
    boolean succeeded = true;
    for (Compare compare : request.getCompareList()) {
      tally.range();
      if (!Comparison.holds(keys, compare)) {
        succeeded = false;
        break;
      }
    }
    List<RequestOp> ops = succeeded ? request.getSuccessList() : request.getFailureList();
    List<TxnPath> nested = new ArrayList<>(0);
    for (RequestOp op : ops) {
      if (op.hasRequestTxn()) {
        nested.add(decide(keys, op.getRequestTxn(), tally));
      }
    }
    return new TxnPath(succeeded, ops, nested);
  }
}
