package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.DeleteRangeResponse;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.PutResponse;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.ResponseOp;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * KV.Txn (etcd: server/etcdserver/txn/txn.go): decide the whole path on the state before, check
 * every chosen operation against that state, then execute in order. Whatever can be refused is
 * refused by the check, so that a transaction happens as a whole or not at all.
 */
final class TxnEvaluator {

  /** Where changes go; they show at once in the {@link Keys} that belong to it. */
  interface Changes {
    PutResponse.Builder put(PutRequest request);

    DeleteRangeResponse.Builder deleteRange(DeleteRangeRequest request);
  }

  private static final Changes NONE =
      new Changes() {
        @Override
        public PutResponse.Builder put(PutRequest request) {
          throw new IllegalArgumentException("put in a read-only transaction");
        }

        @Override
        public DeleteRangeResponse.Builder deleteRange(DeleteRangeRequest request) {
          throw new IllegalArgumentException("delete in a read-only transaction");
        }
      };

  private final Keys keys;
  private final Changes changes;
  private final LongPredicate leaseExists;
  private final OperationTotals.Tally tally;
  private final AnswerAllowance allowance;
  private boolean tooLarge;

  /** Deletes seen so far by the check, in the order of execution. */
  private final List<Interval> deletes = new ArrayList<>(0);

  private TxnEvaluator(
      Keys keys,
      Changes changes,
      LongPredicate leaseExists,
      OperationTotals.Tally tally,
      AnswerAllowance allowance) {
    this.keys = keys;
    this.changes = changes;
    this.leaseExists = leaseExists;
    this.tally = tally;
    this.allowance = allowance;
  }

  static Outcome<TxnResponse.Builder> readOnly(
      Keys keys, TxnRequest request, OperationTotals totals, AnswerAllowance allowance) {
    OperationTotals.Tally tally = new OperationTotals.Tally(totals);
    try {
      return new TxnEvaluator(keys, NONE, lease -> false, tally, allowance)
          .evaluate(request, false);
    } finally {
      tally.close();
    }
  }

  static Outcome<TxnResponse.Builder> changing(
      Keys keys,
      Changes changes,
      LongPredicate leaseExists,
      TxnRequest request,
      OperationTotals.Tally tally) {
    AnswerAllowance allowance = new AnswerAllowance(AnswerAllowance.maxBytes());
    return new TxnEvaluator(keys, changes, leaseExists, tally, allowance).evaluate(request, true);
  }

  private Outcome<TxnResponse.Builder> evaluate(TxnRequest request, boolean changing) {
    TxnPath path = TxnPath.decide(keys, request, tally);
    EtcdError refusal = check(path);
    if (changing) {
      // etcd counts the reads of comparisons and checks as a transaction of their own.
      tally.close();
    }
    if (refusal != null) {
      return Outcome.refused(refusal);
    }
    TxnResponse.Builder response = execute(path);
    if (tooLarge) {
      return Outcome.refused(EtcdError.ANSWER_TOO_LARGE);
    }
    response.setHeader(ResponseHeader.newBuilder().setRevision(keys.currentRevision()));
    return Outcome.ok(response);
  }

  private @Nullable EtcdError check(TxnPath path) {
    Iterator<TxnPath> nested = path.nested().iterator();
    for (RequestOp op : path.ops()) {
      EtcdError refusal =
          switch (op.getRequestCase()) {
            case REQUEST_RANGE -> checkRange(op.getRequestRange());
            case REQUEST_PUT -> checkPut(op.getRequestPut());
            case REQUEST_DELETE_RANGE -> noteDelete(op.getRequestDeleteRange());
            case REQUEST_TXN -> check(nested.next());
            case REQUEST_NOT_SET -> null;
          };
      if (refusal != null) {
        return refusal;
      }
    }
    return null;
  }

  /**
   * Unlike a plain range, one in a transaction is refused for a negative revision below the
   * compacted one, which may be -1.
   */
  private @Nullable EtcdError checkRange(RangeRequest request) {
    long revision = request.getRevision();
    if (revision == 0) {
      return null;
    }
    if (revision > keys.currentRevision()) {
      return EtcdError.FUTURE_REV;
    }
    return revision < keys.compactedRevision() ? EtcdError.COMPACTED : null;
  }

  /**
   * The key must be live before the transaction, even if an earlier operation of it creates the
   * key. If an earlier one deletes it, which only a delete of everything from a key on can get past
   * the check for duplicates, there is nothing left to keep: etcd's process ends itself there; this
   * refuses.
   */
  private @Nullable EtcdError checkPut(PutRequest request) {
    if (request.getLease() != 0 && !leaseExists.test(request.getLease())) {
      return EtcdError.LEASE_NOT_FOUND;
    }
    boolean keepsSomething = request.getIgnoreValue() || request.getIgnoreLease();
    if (keepsSomething || request.getPrevKv()) {
      tally.range();
    }
    if (!keepsSomething) {
      return null;
    }
    byte[] key = request.getKey().toByteArray();
    boolean there =
        keys.get(key, Keys.NEWEST) != null
            && deletes.stream().noneMatch(interval -> interval.contains(key));
    return there ? null : EtcdError.KEY_NOT_FOUND;
  }

  private @Nullable EtcdError noteDelete(DeleteRangeRequest request) {
    deletes.add(Interval.of(request.getKey(), request.getRangeEnd()));
    return null;
  }

  /** Leaves the header present and empty, as etcd has it in a nested transaction. */
  private TxnResponse.Builder execute(TxnPath path) {
    TxnResponse.Builder response =
        TxnResponse.newBuilder()
            .setHeader(ResponseHeader.getDefaultInstance())
            .setSucceeded(path.succeeded());
    Iterator<TxnPath> nested = path.nested().iterator();
    for (RequestOp op : path.ops()) {
      ResponseOp.Builder result = response.addResponsesBuilder();
      switch (op.getRequestCase()) {
        case REQUEST_RANGE -> result.setResponseRange(range(op.getRequestRange()));
        case REQUEST_PUT -> result.setResponsePut(changes.put(op.getRequestPut()));
        case REQUEST_DELETE_RANGE ->
            result.setResponseDeleteRange(changes.deleteRange(op.getRequestDeleteRange()));
        case REQUEST_TXN -> result.setResponseTxn(execute(nested.next()));
        // Refused before it could get here; etcd, too, answers an empty operation to an empty one.
        case REQUEST_NOT_SET -> {}
      }
    }
    return response;
  }

  private RangeResponse.Builder range(RangeRequest request) {
    tally.range();
    return switch (RangeEvaluator.range(keys, request, allowance)) {
      case Outcome.Ok<RangeResponse.Builder>(var response) -> response;
      case Outcome.Refused<RangeResponse.Builder>(var error) -> {
        if (error != EtcdError.ANSWER_TOO_LARGE) {
          throw new IllegalStateException(
              "a range that passed the check of its transaction is refused: " + error);
        }
        tooLarge = true;
        yield RangeResponse.newBuilder();
      }
    };
  }
}
