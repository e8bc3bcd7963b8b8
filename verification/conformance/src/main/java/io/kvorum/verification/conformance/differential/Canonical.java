package io.kvorum.verification.conformance.differential;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.etcd.jetcd.api.CompactionResponse;
import io.etcd.jetcd.api.DeleteRangeResponse;
import io.etcd.jetcd.api.KeyValue;
import io.etcd.jetcd.api.PutResponse;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.RangeRequest.SortTarget;
import io.etcd.jetcd.api.RangeResponse;
import io.etcd.jetcd.api.ResponseHeader;
import io.etcd.jetcd.api.TxnRequest;
import io.etcd.jetcd.api.TxnResponse;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;

/**
 * Takes out of an answer what two right servers may say differently: who answered (member, cluster,
 * term), and the order of keys that a sort leaves equal, which etcd's unstable sort does not
 * specify.
 */
final class Canonical {
  private static final Comparator<KeyValue> BY_KEY =
      Comparator.comparing(KeyValue::getKey, ByteString.unsignedLexicographicalComparator());

  private Canonical() {}

  static Answer of(Call call, Answer answer) {
    return switch (answer) {
      case Answer.Failure failure -> failure;
      case Answer.Reply reply -> new Answer.Reply(message(call, reply.message()));
    };
  }

  /** A range whose order is that of its keys. */
  static RangeResponse streamed(RangeResponse response) {
    return response.toBuilder().setHeader(header(response.getHeader())).build();
  }

  private static Message message(Call call, Message message) {
    return switch (call) {
      case Call.Range range -> range(range.request(), (RangeResponse) message);
      case Call.Txn txn -> txn(txn.request(), (TxnResponse) message);
      case Call.Put ignored -> {
        var reply = ((PutResponse) message).toBuilder();
        yield reply.setHeader(header(reply.getHeader())).build();
      }
      case Call.Delete ignored -> {
        var reply = ((DeleteRangeResponse) message).toBuilder();
        yield reply.setHeader(header(reply.getHeader())).build();
      }
      case Call.Compact ignored -> {
        var reply = ((CompactionResponse) message).toBuilder();
        yield reply.setHeader(header(reply.getHeader())).build();
      }
    };
  }

  private static ResponseHeader header(ResponseHeader header) {
    return header.toBuilder().clearClusterId().clearMemberId().clearRaftTerm().build();
  }

  private static TxnResponse txn(TxnRequest request, TxnResponse response) {
    var reply = response.toBuilder().setHeader(header(response.getHeader()));
    var branch = response.getSucceeded() ? request.getSuccessList() : request.getFailureList();
    for (int i = 0; i < Math.min(branch.size(), reply.getResponsesCount()); i++) {
      var op = reply.getResponsesBuilder(i);
      if (branch.get(i).hasRequestRange() && op.hasResponseRange())
        op.setResponseRange(ordered(branch.get(i).getRequestRange(), op.getResponseRange()));
      else if (branch.get(i).hasRequestTxn() && op.hasResponseTxn())
        op.setResponseTxn(nested(branch.get(i).getRequestTxn(), op.getResponseTxn()));
    }
    return reply.build();
  }

  /**
   * The header of an inner answer is contract as it stands: present, and with a revision or
   * without.
   */
  private static TxnResponse nested(TxnRequest request, TxnResponse response) {
    var reply = txn(request, response).toBuilder();
    if (response.hasHeader()) reply.setHeader(response.getHeader());
    else reply.clearHeader();
    return reply.build();
  }

  private static RangeResponse range(RangeRequest request, RangeResponse response) {
    return ordered(request, response).toBuilder().setHeader(header(response.getHeader())).build();
  }

  /**
   * Puts each run of equal sort values into key order; of a run that a limit may have cut only its
   * values are left.
   */
  private static RangeResponse ordered(RangeRequest request, RangeResponse response) {
    var target = request.getSortTarget();
    if (target == SortTarget.KEY || target == SortTarget.UNRECOGNIZED) return response;
    if (target == SortTarget.VALUE && request.getKeysOnly()) return unordered(request, response);
    var value = sortValue(target);
    var kvs = new ArrayList<KeyValue>();
    var list = response.getKvsList();
    for (int from = 0; from < list.size(); ) {
      int to = from + 1;
      while (to < list.size() && value.apply(list.get(to)).equals(value.apply(list.get(from))))
        to++;
      boolean cut = to == list.size() && response.getMore();
      for (var kv : list.subList(from, to).stream().sorted(BY_KEY).toList())
        kvs.add(cut ? onlySortValue(target, kv) : kv);
      from = to;
    }
    return response.toBuilder().clearKvs().addAllKvs(kvs).build();
  }

  /** Sorted by values that are not in the answer: which come first cannot be seen. */
  private static RangeResponse unordered(RangeRequest request, RangeResponse response) {
    List<KeyValue> kvs =
        response.getMore() && request.getLimit() > 0
            ? response.getKvsList().stream().map(kv -> KeyValue.getDefaultInstance()).toList()
            : response.getKvsList().stream().sorted(BY_KEY).toList();
    return response.toBuilder().clearKvs().addAllKvs(kvs).build();
  }

  private static Function<KeyValue, Object> sortValue(SortTarget target) {
    return switch (target) {
      case VERSION -> KeyValue::getVersion;
      case CREATE -> KeyValue::getCreateRevision;
      case MOD -> KeyValue::getModRevision;
      case VALUE -> KeyValue::getValue;
      case KEY, UNRECOGNIZED -> KeyValue::getKey;
    };
  }

  private static KeyValue onlySortValue(SortTarget target, KeyValue kv) {
    var only = KeyValue.newBuilder();
    return switch (target) {
      case VERSION -> only.setVersion(kv.getVersion()).build();
      case CREATE -> only.setCreateRevision(kv.getCreateRevision()).build();
      case MOD -> only.setModRevision(kv.getModRevision()).build();
      case VALUE -> only.setValue(kv.getValue()).build();
      case KEY, UNRECOGNIZED -> kv;
    };
  }
}
