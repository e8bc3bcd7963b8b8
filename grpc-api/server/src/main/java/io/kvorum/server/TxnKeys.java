package io.kvorum.server;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.RequestOp.RequestCase;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The keys that a list of a transaction's operations may write, and whether it writes one twice.
 *
 * <p>The rule is etcd's to the letter (server/etcdserver/api/v3rpc/key.go), its gaps included: a
 * delete up to the last key (range_end 0x00) hides no put, and a put in one nested transaction is
 * not held against a delete in a later one of the same list.
 */
final class TxnKeys {
  private final Set<ByteString> puts = new HashSet<>();
  private final KeyIntervals deletes = new KeyIntervals();

  private TxnKeys() {}

  /** Whether {@code ops}, nested transactions included, writes some key twice. */
  static boolean clash(List<RequestOp> ops) {
    return of(ops) == null;
  }

  /** The keys of a list; null where it writes one twice. */
  private static @Nullable TxnKeys of(List<RequestOp> ops) {
    TxnKeys keys = new TxnKeys();
    for (RequestOp op : ops) {
      if (op.getRequestCase() == RequestCase.REQUEST_DELETE_RANGE) {
        DeleteRangeRequest delete = op.getRequestDeleteRange();
        keys.deletes.add(delete.getKey(), delete.getRangeEnd());
      }
    }
    for (RequestOp op : ops) {
      if (op.getRequestCase() == RequestCase.REQUEST_TXN && !keys.addNested(op.getRequestTxn())) {
        return null;
      }
    }
    for (RequestOp op : ops) {
      if (op.getRequestCase() == RequestCase.REQUEST_PUT
          && !keys.addPut(op.getRequestPut().getKey())) {
        return null;
      }
    }
    return keys;
  }

  private boolean addNested(TxnRequest txn) {
    TxnKeys success = of(txn.getSuccessList());
    TxnKeys failure = success == null ? null : of(txn.getFailureList());
    if (success == null || failure == null) {
      return false;
    }
    for (ByteString key : success.puts) {
      if (!addPut(key)) {
        return false;
      }
    }
    for (ByteString key : failure.puts) {
      // Only one of the two branches runs, so they may put the same key.
      if (!success.puts.contains(key) && !addPut(key)) {
        return false;
      }
    }
    deletes.addAll(success.deletes);
    deletes.addAll(failure.deletes);
    return true;
  }

  private boolean addPut(ByteString key) {
    return !deletes.contains(key) && puts.add(key);
  }
}
