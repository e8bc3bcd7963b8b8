package io.kvorum.actors.apply;

import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.internal.Command;
import java.util.List;

/**
 * How large this member's store may become, and what a request is charged for that (etcd's
 * storage/quota.go). What frees space or only reads costs nothing.
 *
 * @param limitBytes negative for no limit
 */
public record Quota(long limitBytes) {
  /** What a key costs beside its name and value. */
  private static final long KEY_BYTES = 256;

  /** What a lease costs. */
  public static final long LEASE_BYTES = 64;

  /** Whether a request of this cost fits into a store of this size. */
  public boolean allows(long costBytes, long sizeBytes) {
    return costBytes == 0 || limitBytes < 0 || sizeBytes + costBytes < limitBytes;
  }

  public static long cost(PutRequest put) {
    return KEY_BYTES + put.getKey().size() + put.getValue().size();
  }

  /** That of the dearer branch, whichever will be taken; nested transactions likewise. */
  public static long cost(TxnRequest txn) {
    return Math.max(cost(txn.getSuccessList()), cost(txn.getFailureList()));
  }

  private static long cost(List<RequestOp> ops) {
    long bytes = 0;
    for (RequestOp op : ops) {
      bytes +=
          switch (op.getRequestCase()) {
            case REQUEST_PUT -> cost(op.getRequestPut());
            case REQUEST_TXN -> cost(op.getRequestTxn());
            case REQUEST_RANGE, REQUEST_DELETE_RANGE, REQUEST_NOT_SET -> 0;
          };
    }
    return bytes;
  }

  static long cost(Command command) {
    return switch (command.getRequestCase()) {
      case PUT -> cost(command.getPut());
      case TXN -> cost(command.getTxn());
      case LEASE_GRANT -> LEASE_BYTES;
      case DELETE_RANGE,
          COMPACTION,
          LEASE_REVOKE,
          LEASE_EXPIRY,
          LEASE_CHECKPOINTS,
          ALARM,
          MEMBER_ATTRIBUTES,
          CLUSTER_VERSION,
          DOWNGRADE,
          RANGE,
          REQUEST_NOT_SET ->
          0;
    };
  }
}
