package io.kvorum.verification.conformance.differential;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnknownFieldSet.Field;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.ResponseHeader;
import io.etcd.jetcd.api.StatusRequest;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Connection;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Validates, enables and cancels downgrades at a reference of etcd 3.6 or later and at a subject
 * that says it is of the same version, and compares the answers and what the status shows. The
 * stubs here are older than the method, so its messages are made of numbered fields.
 */
public final class DowngradeDifferential {
  private static final long CALL_LIMIT_SECONDS = 30;

  /** The reference looks each few seconds. */
  private static final Duration VERSION_LIMIT = Duration.ofSeconds(30);

  private static final MethodDescriptor<UnknownFieldSet, UnknownFieldSet> DOWNGRADE =
      MethodDescriptor.<UnknownFieldSet, UnknownFieldSet>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("etcdserverpb.Maintenance/Downgrade")
          .setRequestMarshaller(new Fields())
          .setResponseMarshaller(new Fields())
          .build();

  private static final int VALIDATE = 0;
  private static final int ENABLE = 1;
  private static final int CANCEL = 2;
  private static final int STORAGE_VERSION_FIELD = 11;
  private static final int DOWNGRADE_INFO_FIELD = 13;

  private final Connection reference;
  private final Connection subject;
  private long compared;

  public DowngradeDifferential(Connection reference, Connection subject) {
    this.reference = reference;
    this.subject = subject;
  }

  /**
   * Runs all of it.
   *
   * @param version that both claim, for example {@code 3.7.0}
   * @param before the minor version before that
   * @return how many answers were compared
   */
  public long run(String version, String before) {
    version(version);
    validations(before);
    same(CANCEL, "");
    same(7, before);
    same(ENABLE, "3.0");
    same(ENABLE, "nonsense");
    same(ENABLE, before);
    version(before + ".0");
    validations(before);
    same(ENABLE, before);
    same(CANCEL, "");
    version(version);
    validations(before);
    same(CANCEL, "");
    return compared;
  }

  private void validations(String before) {
    for (String target :
        List.of(
            before,
            before + ".0",
            before + ".99",
            before + ".0-rc.1",
            before + ".0+x",
            "3.5",
            "3.7",
            "3.8",
            "4.6",
            "2.0.0",
            "",
            "3",
            "3.",
            ".6",
            "v3.6",
            "3.6-rc.1",
            "3.6.0.0",
            "3.x",
            "-3.6",
            "3.6.-1",
            " 3.6")) same(VALIDATE, target);
    same("status", info(reference), info(subject));
  }

  /** The cluster's version follows the target, and the storage's the cluster's. */
  private void version(String expected) {
    for (var server : List.of(reference, subject))
      Await.until(
          "storage version " + expected,
          VERSION_LIMIT,
          () -> expected.equals(field(server, STORAGE_VERSION_FIELD)));
  }

  private void same(int action, String version) {
    var request =
        UnknownFieldSet.newBuilder()
            .addField(1, Field.newBuilder().addVarint(action).build())
            .addField(
                2, Field.newBuilder().addLengthDelimited(ByteString.copyFromUtf8(version)).build())
            .build();
    same(action + " '" + version + "'", answer(reference, request), answer(subject, request));
  }

  private void same(String what, String right, String given) {
    compared++;
    if (!right.equals(given))
      throw new AssertionError("%s%nreference: %s%nsubject:   %s".formatted(what, right, given));
  }

  private static String answer(Connection server, UnknownFieldSet request) {
    var options = CallOptions.DEFAULT.withDeadlineAfter(CALL_LIMIT_SECONDS, TimeUnit.SECONDS);
    try {
      var reply = ClientCalls.blockingUnaryCall(server.channel(), DOWNGRADE, options, request);
      var header = ResponseHeader.parseFrom(reply.getField(1).getLengthDelimitedList().getFirst());
      return header.toBuilder().clearRaftTerm().build()
          + reply.getField(2).getLengthDelimitedList().getFirst().toStringUtf8();
    } catch (StatusRuntimeException refused) {
      return refused.getStatus().getCode() + ": " + refused.getStatus().getDescription();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String info(Connection server) {
    return field(server, DOWNGRADE_INFO_FIELD);
  }

  private static String field(Connection server, int number) {
    var fields =
        MaintenanceGrpc.newBlockingStub(server.channel())
            .status(StatusRequest.getDefaultInstance())
            .getUnknownFields()
            .getField(number)
            .getLengthDelimitedList();
    return fields.isEmpty() ? "none" : fields.getFirst().toStringUtf8();
  }

  /** Messages of any form. */
  private static final class Fields implements MethodDescriptor.Marshaller<UnknownFieldSet> {
    @Override
    public java.io.InputStream stream(UnknownFieldSet fields) {
      return fields.toByteString().newInput();
    }

    @Override
    public UnknownFieldSet parse(java.io.InputStream stream) {
      try {
        return UnknownFieldSet.parseFrom(stream);
      } catch (java.io.IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }
  }
}
