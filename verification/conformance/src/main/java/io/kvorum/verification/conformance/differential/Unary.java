package io.kvorum.verification.conformance.differential;

import com.google.protobuf.Message;
import io.etcd.jetcd.api.ResponseHeader;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.kvorum.verification.conformance.harness.Connection;
import java.util.concurrent.TimeUnit;

/** Sends a write to one server. */
final class Unary {
  private static final long LIMIT_SECONDS = 30;

  private Unary() {}

  /** The revision of the answer; 0 for a refusal, whose text is compared elsewhere. */
  static long revision(Connection server, Call call) {
    try {
      Message answer = call(server, call.method(), call.request());
      Object header = answer.getField(answer.getDescriptorForType().findFieldByName("header"));
      return ((ResponseHeader) header).getRevision();
    } catch (StatusRuntimeException refused) {
      return 0;
    }
  }

  @SuppressWarnings("unchecked") // a call's request is of its method's type by construction
  private static <Q extends Message, R extends Message> R call(
      Connection server, MethodDescriptor<Q, R> method, Message request) {
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(LIMIT_SECONDS, TimeUnit.SECONDS);
    return ClientCalls.blockingUnaryCall(server.channel(), method, options, (Q) request);
  }
}
