package io.kvorum.verification.conformance.differential;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.etcd.jetcd.api.AlarmMember;
import io.etcd.jetcd.api.AlarmRequest;
import io.etcd.jetcd.api.AlarmRequest.AlarmAction;
import io.etcd.jetcd.api.AlarmResponse;
import io.etcd.jetcd.api.CompactionRequest;
import io.etcd.jetcd.api.Compare;
import io.etcd.jetcd.api.DeleteRangeRequest;
import io.etcd.jetcd.api.KVGrpc;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.RequestOp;
import io.etcd.jetcd.api.ResponseHeader;
import io.etcd.jetcd.api.StatusRequest;
import io.etcd.jetcd.api.StatusResponse;
import io.etcd.jetcd.api.TxnRequest;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.kvorum.verification.conformance.harness.Connection;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongFunction;

/**
 * Raises and clears alarms at a reference and at a subject, and compares what they say of them and
 * which requests they refuse, with which errors. Both must have the same ids, and a quota that the
 * large requests pass and the small ones do not.
 */
public final class AlarmDifferential {
  /** Alone it does not fit under a quota of as much; a request of it does. */
  public static final int QUOTA_BYTES = 1 << 20;

  private static final long CALL_LIMIT_SECONDS = 30;

  /** Version of those that raise an alarm of the type NONE, and list it. */
  private static final String RAISES_NONE = "3.4.";

  private static final int NONE = 0;
  private static final int NOSPACE = 1;
  private static final int CORRUPT = 2;

  private final Connection reference;
  private final Connection subject;
  private final StatusResponse first;
  private long revision = 1;
  private long compared;

  public AlarmDifferential(Connection reference, Connection subject) {
    this.reference = reference;
    this.subject = subject;
    this.first = status(reference);
  }

  /**
   * Runs all of it.
   *
   * @return how many answers were compared
   * @throws AssertionError at the first difference
   */
  public long run() {
    requests();
    alarm(AlarmAction.GET, 0, NONE);
    if (!first.getVersion().startsWith(RAISES_NONE)) alarm(AlarmAction.ACTIVATE, 5, NONE);
    alarm(AlarmAction.DEACTIVATE, 5, NOSPACE);
    alarm(AlarmAction.ACTIVATE, 5, NOSPACE);
    alarm(AlarmAction.ACTIVATE, 5, NOSPACE);
    alarm(AlarmAction.ACTIVATE, -6, NOSPACE);
    lists();
    requests();
    alarm(AlarmAction.DEACTIVATE, 5, NOSPACE);
    requests();
    alarm(AlarmAction.ACTIVATE, 0, CORRUPT);
    lists();
    requests();
    alarm(AlarmAction.DEACTIVATE, 6, NOSPACE);
    alarm(AlarmAction.DEACTIVATE, -6, NOSPACE);
    requests();
    alarm(AlarmAction.DEACTIVATE, 0, CORRUPT);
    lists();
    requests();
    quota();
    return compared;
  }

  /** What passes the quota is refused at the API, and the member raises the alarm for itself. */
  private void quota() {
    var large = put("large").setValue(ByteString.copyFrom(new byte[QUOTA_BYTES]));
    same(KVGrpc.getPutMethod(), rev -> large.build());
    lists();
    requests();
    alarm(AlarmAction.DEACTIVATE, first.getHeader().getMemberId(), NOSPACE);
    requests();
    same(KVGrpc.getTxnMethod(), rev -> success(nested(op(large))).build());
    alarm(AlarmAction.DEACTIVATE, first.getHeader().getMemberId(), NOSPACE);
    // Refused for its cost, though the branch is not taken, and though it is not valid.
    same(
        KVGrpc.getTxnMethod(),
        rev -> TxnRequest.newBuilder().addFailure(op(large.clone().clearKey())).build());
    lists();
    alarm(AlarmAction.DEACTIVATE, first.getHeader().getMemberId(), NOSPACE);
    requests();
  }

  private void lists() {
    for (int type : List.of(NONE, NOSPACE, CORRUPT)) alarm(AlarmAction.GET, 77, type);
    same("alarms in the status", errors(reference), errors(subject));
  }

  private void alarm(AlarmAction action, long member, int type) {
    same(
        MaintenanceGrpc.getAlarmMethod(),
        rev ->
            AlarmRequest.newBuilder()
                .setAction(action)
                .setMemberID(member)
                .setAlarmValue(type)
                .build());
  }

  /** One of each kind that an alarm may make a difference for. */
  private void requests() {
    same(KVGrpc.getPutMethod(), rev -> put("k").setPrevKv(true).build());
    same(KVGrpc.getPutMethod(), rev -> put("").build());
    same(KVGrpc.getPutMethod(), rev -> put("absent").clearValue().setIgnoreValue(true).build());
    same(KVGrpc.getPutMethod(), rev -> put("k").setLease(4711).build());
    same(KVGrpc.getRangeMethod(), rev -> range().build());
    same(KVGrpc.getRangeMethod(), rev -> range().setSerializable(true).build());
    same(KVGrpc.getDeleteRangeMethod(), rev -> delete("absent").build());
    same(KVGrpc.getTxnMethod(), rev -> TxnRequest.getDefaultInstance());
    same(KVGrpc.getTxnMethod(), rev -> success(op(put("t"))).build());
    same(KVGrpc.getTxnMethod(), rev -> success(nested(op(put("n")))).build());
    same(KVGrpc.getTxnMethod(), rev -> success(nested(read())).build());
    same(KVGrpc.getTxnMethod(), rev -> success(read()).build());
    same(KVGrpc.getTxnMethod(), rev -> success(read()).addFailure(op(put("f"))).build());
    same(
        KVGrpc.getTxnMethod(),
        rev ->
            success(read())
                .addCompare(Compare.newBuilder().setKey(ByteString.copyFromUtf8("absent")))
                .addSuccess(RequestOp.newBuilder().setRequestDeleteRange(delete("t")))
                .build());
    same(KVGrpc.getDeleteRangeMethod(), rev -> delete("k").setPrevKv(true).build());
    same(KVGrpc.getCompactMethod(), rev -> CompactionRequest.newBuilder().setRevision(rev).build());
    same(KVGrpc.getCompactMethod(), rev -> CompactionRequest.newBuilder().setRevision(1).build());
  }

  private static PutRequest.Builder put(String key) {
    return PutRequest.newBuilder()
        .setKey(ByteString.copyFromUtf8(key))
        .setValue(ByteString.copyFromUtf8("value"));
  }

  private static RangeRequest.Builder range() {
    return RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8("k"));
  }

  private static DeleteRangeRequest.Builder delete(String key) {
    return DeleteRangeRequest.newBuilder().setKey(ByteString.copyFromUtf8(key));
  }

  private static RequestOp op(PutRequest.Builder put) {
    return RequestOp.newBuilder().setRequestPut(put).build();
  }

  private static RequestOp read() {
    return RequestOp.newBuilder().setRequestRange(range()).build();
  }

  private static RequestOp nested(RequestOp op) {
    return RequestOp.newBuilder().setRequestTxn(success(op)).build();
  }

  private static TxnRequest.Builder success(RequestOp op) {
    return TxnRequest.newBuilder().addSuccess(op);
  }

  private <Q extends Message, R extends Message> void same(
      MethodDescriptor<Q, R> method, LongFunction<Q> request) {
    Q made = request.apply(revision);
    var text = made.getSerializedSize() > 1_000 ? "a large one" : made.toString();
    same(
        method.getBareMethodName() + " " + text,
        answer(reference, method, made),
        answer(subject, method, made));
  }

  private void same(String what, String right, String given) {
    compared++;
    if (!right.equals(given))
      throw new AssertionError("%s%nreference:%n%s%nsubject:%n%s".formatted(what, right, given));
  }

  private <Q extends Message, R extends Message> String answer(
      Connection server, MethodDescriptor<Q, R> method, Q request) {
    var options = CallOptions.DEFAULT.withDeadlineAfter(CALL_LIMIT_SECONDS, TimeUnit.SECONDS);
    try {
      return text(ClientCalls.blockingUnaryCall(server.channel(), method, options, request));
    } catch (StatusRuntimeException refused) {
      return refused.getStatus().getCode() + ": " + refused.getStatus().getDescription();
    }
  }

  /** Without the term, and alarms in an order: etcd lists them in none. */
  private String text(Message answer) {
    var reply = answer.toBuilder();
    var field = answer.getDescriptorForType().findFieldByName("header");
    var header = (ResponseHeader) answer.getField(field);
    revision = Math.max(revision, header.getRevision());
    reply.setField(field, header.toBuilder().clearRaftTerm().build());
    if (reply instanceof AlarmResponse.Builder alarms) {
      var sorted =
          alarms.getAlarmsList().stream()
              .sorted(
                  Comparator.comparingInt(AlarmMember::getAlarmValue)
                      .thenComparingLong(AlarmMember::getMemberID))
              .toList();
      alarms.clearAlarms().addAllAlarms(sorted);
    }
    return reply.build().toString();
  }

  /** One blank or two between the fields: Go makes a point of not being relied on. */
  private static String errors(Connection server) {
    return status(server).getErrorsList().stream()
        .map(text -> text.replaceAll(" +", " ").strip())
        .sorted()
        .toList()
        .toString();
  }

  private static StatusResponse status(Connection server) {
    return MaintenanceGrpc.newBlockingStub(server.channel())
        .withDeadlineAfter(CALL_LIMIT_SECONDS, TimeUnit.SECONDS)
        .status(StatusRequest.getDefaultInstance());
  }
}
