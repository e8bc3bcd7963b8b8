package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.Compare;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.List;

/** Short ways to write requests and to look at answers. */
final class Requests {

  static final ByteString OPEN_END = ByteString.copyFrom(new byte[] {0});

  private Requests() {}

  static ByteString bytes(String text) {
    return ByteString.copyFromUtf8(text);
  }

  static PutRequest.Builder put(String key, String value) {
    return PutRequest.newBuilder().setKey(bytes(key)).setValue(bytes(value));
  }

  static RangeRequest.Builder get(String key) {
    return RangeRequest.newBuilder().setKey(bytes(key));
  }

  static RangeRequest.Builder range(String from, String to) {
    return get(from).setRangeEnd(bytes(to));
  }

  static RangeRequest.Builder all() {
    return RangeRequest.newBuilder().setKey(OPEN_END).setRangeEnd(OPEN_END);
  }

  static DeleteRangeRequest.Builder delete(String key) {
    return DeleteRangeRequest.newBuilder().setKey(bytes(key));
  }

  static DeleteRangeRequest.Builder delete(String from, String to) {
    return delete(from).setRangeEnd(bytes(to));
  }

  static RequestOp op(PutRequest.Builder put) {
    return RequestOp.newBuilder().setRequestPut(put).build();
  }

  static RequestOp op(RangeRequest.Builder range) {
    return RequestOp.newBuilder().setRequestRange(range).build();
  }

  static RequestOp op(DeleteRangeRequest.Builder delete) {
    return RequestOp.newBuilder().setRequestDeleteRange(delete).build();
  }

  static RequestOp op(TxnRequest.Builder txn) {
    return RequestOp.newBuilder().setRequestTxn(txn).build();
  }

  /** A transaction without comparisons, which takes its success branch. */
  static TxnRequest.Builder txn(RequestOp... ops) {
    return TxnRequest.newBuilder().addAllSuccess(List.of(ops));
  }

  static Compare.Builder compare(
      String key, Compare.CompareTarget target, Compare.CompareResult result) {
    return Compare.newBuilder().setKey(bytes(key)).setTarget(target).setResult(result);
  }

  static <T> T ok(Outcome<T> outcome) {
    return switch (outcome) {
      case Outcome.Ok<T>(var value) -> value;
      case Outcome.Refused<T>(var error) -> throw new AssertionError("refused: " + error);
    };
  }

  static EtcdError refusal(Outcome<?> outcome) {
    return switch (outcome) {
      case Outcome.Ok<?>(var value) -> throw new AssertionError("not refused: " + value);
      case Outcome.Refused<?>(var error) -> error;
    };
  }

  static List<String> keys(RangeResponse.Builder response) {
    return response.getKvsList().stream().map(kv -> kv.getKey().toStringUtf8()).toList();
  }

  static List<String> values(List<KeyValue> records) {
    return records.stream().map(kv -> kv.getValue().toStringUtf8()).toList();
  }

  /** For example {@code a=1 create 2 mod 3 version 2 lease 7}. */
  static String text(KeyValue kv) {
    return "%s=%s create %d mod %d version %d lease %d"
        .formatted(
            kv.getKey().toStringUtf8(),
            kv.getValue().toStringUtf8(),
            kv.getCreateRevision(),
            kv.getModRevision(),
            kv.getVersion(),
            kv.getLease());
  }
}
