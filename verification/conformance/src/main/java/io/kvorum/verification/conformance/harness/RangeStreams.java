package io.kvorum.verification.conformance.harness;

import com.google.protobuf.CodedInputStream;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.RangeResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;

/** KV/RangeStream of etcd 3.7, which is younger than the stubs used here. */
public final class RangeStreams {
  /** Field {@code range_response} of the only message that the answers are. */
  private static final int RANGE_RESPONSE_TAG = 1 << 3 | 2;

  public static final MethodDescriptor<RangeRequest, RangeResponse> METHOD =
      MethodDescriptor.<RangeRequest, RangeResponse>newBuilder()
          .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
          .setFullMethodName("etcdserverpb.KV/RangeStream")
          .setRequestMarshaller(ProtoUtils.marshaller(RangeRequest.getDefaultInstance()))
          .setResponseMarshaller(new Unwrapping())
          .build();

  private RangeStreams() {}

  /** The messages, each taken from the connection when it is asked for. */
  public static Iterator<RangeResponse> open(
      Connection server, RangeRequest request, Duration limit) {
    CallOptions options =
        CallOptions.DEFAULT.withDeadlineAfter(limit.toMillis(), TimeUnit.MILLISECONDS);
    return ClientCalls.blockingServerStreamingCall(server.channel(), METHOD, options, request);
  }

  /** A call whose messages its listener asks for. */
  public static ClientCall<RangeRequest, RangeResponse> call(Connection server) {
    return server.channel().newCall(METHOD, CallOptions.DEFAULT);
  }

  private static final class Unwrapping implements MethodDescriptor.Marshaller<RangeResponse> {
    @Override
    public InputStream stream(RangeResponse value) {
      throw new UnsupportedOperationException("only servers send these");
    }

    @Override
    public RangeResponse parse(InputStream stream) {
      try {
        CodedInputStream in = CodedInputStream.newInstance(stream);
        in.setSizeLimit(Integer.MAX_VALUE);
        RangeResponse.Builder response = RangeResponse.newBuilder();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
          if (tag != RANGE_RESPONSE_TAG) throw new IOException("field with tag " + tag);
          in.readMessage(response, com.google.protobuf.ExtensionRegistry.getEmptyRegistry());
        }
        return response.build();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
