package io.kvorum.verification.simulation;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.etcdserverpb.Compare;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.CommandHeader;
import io.kvorum.verification.history.Request;

/** Between what a simulated client asks and the command in the log, which is production's. */
final class StoreCommands {
  private StoreCommands() {}

  static Command encode(Request request, long requestId) {
    Command.Builder command =
        Command.newBuilder().setHeader(CommandHeader.newBuilder().setId(requestId));
    switch (request) {
      case Request.Get get -> command.setRange(range(get));
      case Request.Put put -> command.setPut(put(put));
      case Request.Delete delete -> command.setDeleteRange(delete(delete));
      case Request.Txn txn -> {
        TxnRequest.Builder encoded = TxnRequest.newBuilder();
        txn.compares().forEach(c -> encoded.addCompare(compare(c)));
        txn.success().forEach(s -> encoded.addSuccess(op(s)));
        txn.failure().forEach(s -> encoded.addFailure(op(s)));
        command.setTxn(encoded);
      }
    }
    return command.build();
  }

  private static RangeRequest range(Request.Get get) {
    return RangeRequest.newBuilder().setKey(bytes(get.key())).build();
  }

  private static PutRequest put(Request.Put put) {
    return PutRequest.newBuilder().setKey(bytes(put.key())).setValue(bytes(put.value())).build();
  }

  private static DeleteRangeRequest delete(Request.Delete delete) {
    return DeleteRangeRequest.newBuilder().setKey(bytes(delete.key())).build();
  }

  private static RequestOp op(Request.Single single) {
    RequestOp.Builder op = RequestOp.newBuilder();
    switch (single) {
      case Request.Get get -> op.setRequestRange(range(get));
      case Request.Put put -> op.setRequestPut(put(put));
      case Request.Delete delete -> op.setRequestDeleteRange(delete(delete));
    }
    return op.build();
  }

  private static Compare compare(Request.Compare compare) {
    Compare.Builder encoded =
        Compare.newBuilder().setKey(bytes(compare.key())).setResult(Compare.CompareResult.EQUAL);
    switch (compare) {
      case Request.Compare.ValueIs is ->
          encoded.setTarget(Compare.CompareTarget.VALUE).setValue(bytes(is.value()));
      case Request.Compare.ModRevisionIs is ->
          encoded.setTarget(Compare.CompareTarget.MOD).setModRevision(is.revision());
    }
    return encoded.build();
  }

  static Request decode(Command command) {
    return switch (command.getRequestCase()) {
      case RANGE -> new Request.Get(text(command.getRange().getKey()));
      case PUT ->
          new Request.Put(text(command.getPut().getKey()), text(command.getPut().getValue()));
      case DELETE_RANGE -> new Request.Delete(text(command.getDeleteRange().getKey()));
      case TXN -> {
        TxnRequest txn = command.getTxn();
        yield new Request.Txn(
            txn.getCompareList().stream().map(StoreCommands::compare).toList(),
            txn.getSuccessList().stream().map(StoreCommands::single).toList(),
            txn.getFailureList().stream().map(StoreCommands::single).toList());
      }
      default -> throw new IllegalStateException("no simulated client sends " + command);
    };
  }

  private static Request.Compare compare(Compare compare) {
    String key = text(compare.getKey());
    return compare.getTarget() == Compare.CompareTarget.VALUE
        ? new Request.Compare.ValueIs(key, text(compare.getValue()))
        : new Request.Compare.ModRevisionIs(key, compare.getModRevision());
  }

  private static Request.Single single(RequestOp op) {
    return switch (op.getRequestCase()) {
      case REQUEST_RANGE -> new Request.Get(text(op.getRequestRange().getKey()));
      case REQUEST_PUT ->
          new Request.Put(text(op.getRequestPut().getKey()), text(op.getRequestPut().getValue()));
      case REQUEST_DELETE_RANGE -> new Request.Delete(text(op.getRequestDeleteRange().getKey()));
      case REQUEST_TXN, REQUEST_NOT_SET ->
          throw new IllegalStateException("no simulated client sends " + op);
    };
  }

  private static ByteString bytes(String text) {
    return ByteString.copyFromUtf8(text);
  }

  private static String text(ByteString bytes) {
    return bytes.toStringUtf8();
  }
}
