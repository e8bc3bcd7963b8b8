package io.kvorum.verification.conformance.fuzz;

import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.kvorum.verification.conformance.harness.Connection;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Calls with any bytes as their message, over a well-behaved connection. */
public final class RawCalls {
  /** Unary methods: each has to come back with something. */
  public static final List<String> METHODS =
      List.of(
          "etcdserverpb.KV/Range",
          "etcdserverpb.KV/Put",
          "etcdserverpb.KV/DeleteRange",
          "etcdserverpb.KV/Txn",
          "etcdserverpb.Cluster/MemberList",
          "etcdserverpb.Maintenance/Status",
          "etcdserverpb.Maintenance/Hash",
          "etcdserverpb.Maintenance/HashKV",
          "etcdserverpb.Lease/LeaseGrant",
          "etcdserverpb.Lease/LeaseTimeToLive",
          "etcdserverpb.Auth/RoleGet",
          "grpc.health.v1.Health/Check",
          "etcdserverpb.KV/NoSuchMethod");

  /**
   * What a bad request may be answered with: success too, since many mutations are legal. Not that
   * the server went away.
   */
  public static final Set<Status.Code> ALLOWED =
      EnumSet.complementOf(
          EnumSet.of(Status.Code.UNAVAILABLE, Status.Code.DEADLINE_EXCEEDED, Status.Code.ABORTED));

  private static final long LIMIT_SECONDS = 10;

  private RawCalls() {}

  public static Status call(Connection connection, String method, byte[] message) {
    var descriptor =
        MethodDescriptor.<byte[], byte[]>newBuilder(Bytes.AS_THEY_ARE, Bytes.AS_THEY_ARE)
            .setFullMethodName(method)
            .setType(MethodType.UNARY)
            .build();
    var options = CallOptions.DEFAULT.withDeadlineAfter(LIMIT_SECONDS, TimeUnit.SECONDS);
    try {
      var unused =
          ClientCalls.blockingUnaryCall(connection.channel(), descriptor, options, message);
      return Status.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus();
    }
  }

  private enum Bytes implements MethodDescriptor.Marshaller<byte[]> {
    AS_THEY_ARE;

    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
