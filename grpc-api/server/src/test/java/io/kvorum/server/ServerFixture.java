package io.kvorum.server;

import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.PutResponse;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** A server on a port of its own over a {@link FakeGroup}, and a real gRPC client. */
final class ServerFixture implements AutoCloseable {
  static final MethodDescriptor<RangeRequest, RangeResponse> RANGE =
      unary(
          "etcdserverpb.KV/Range",
          RangeRequest.getDefaultInstance(),
          RangeResponse.getDefaultInstance());
  static final MethodDescriptor<PutRequest, PutResponse> PUT =
      unary(
          "etcdserverpb.KV/Put", PutRequest.getDefaultInstance(), PutResponse.getDefaultInstance());
  static final MethodDescriptor<WatchRequest, WatchResponse> WATCH =
      method(
          "etcdserverpb.Watch/Watch",
          MethodDescriptor.MethodType.BIDI_STREAMING,
          WatchRequest.getDefaultInstance(),
          WatchResponse.getDefaultInstance());

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  final FakeGroup group = new FakeGroup();
  final RecordingMetrics metrics = new RecordingMetrics();
  final ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "server-test");
  final GrpcServer server;
  final ManagedChannel channel;

  ServerFixture() {
    this(options -> options);
  }

  ServerFixture(UnaryOperator<GrpcServerOptions> change) {
    server =
        GrpcServer.bind(
                system,
                List.of(new InetSocketAddress("127.0.0.1", 0)),
                group,
                change.apply(quick(GrpcServerOptions.defaults())),
                metrics,
                () -> "# TYPE one counter\none 1\n")
            .toCompletableFuture()
            .join();
    channel =
        NettyChannelBuilder.forAddress("127.0.0.1", port())
            .usePlaintext()
            .maxInboundMessageSize(Integer.MAX_VALUE)
            .maxInboundMetadataSize(1 << 20)
            .build();
  }

  /** Time-outs that a test can wait for. */
  private static GrpcServerOptions quick(GrpcServerOptions o) {
    return new GrpcServerOptions(
        o.maxRequestBytes(),
        o.maxTxnOps(),
        o.maxConcurrentStreams(),
        o.keepaliveInterval(),
        o.keepaliveTimeout(),
        Duration.ofMillis(50),
        Duration.ofMillis(500),
        o.warnUnaryDuration(),
        o.quotaBytes(),
        o.corsOrigins(),
        o.hostWhitelist());
  }

  int port() {
    return server.addresses().getFirst().getPort();
  }

  <Q, R> R call(MethodDescriptor<Q, R> method, Q request) {
    return ClientCalls.blockingUnaryCall(channel, method, options(), request);
  }

  <Q, R> R call(MethodDescriptor<Q, R> method, Q request, Metadata metadata) {
    return ClientCalls.blockingUnaryCall(
        io.grpc.ClientInterceptors.intercept(
            channel, MetadataUtils.newAttachHeadersInterceptor(metadata)),
        method,
        options(),
        request);
  }

  /** The status of a call that must fail, as {@code CODE: text}. */
  <Q, R> String failure(MethodDescriptor<Q, R> method, Q request) {
    return failure(method, request, new Metadata());
  }

  <Q, R> String failure(MethodDescriptor<Q, R> method, Q request, Metadata metadata) {
    try {
      R response = call(method, request, metadata);
      throw new AssertionError("not refused: " + response);
    } catch (StatusRuntimeException e) {
      return line(e.getStatus());
    }
  }

  static String line(Status status) {
    return status.getCode() + ": " + status.getDescription();
  }

  static CallOptions options() {
    return CallOptions.DEFAULT.withDeadlineAfter(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  static <Q extends Message, R extends Message> MethodDescriptor<Q, R> unary(
      String name, Q request, R response) {
    return method(name, MethodDescriptor.MethodType.UNARY, request, response);
  }

  static <Q extends Message, R extends Message> MethodDescriptor<Q, R> method(
      String name, MethodDescriptor.MethodType type, Q request, R response) {
    return MethodDescriptor.<Q, R>newBuilder()
        .setType(type)
        .setFullMethodName(name)
        .setRequestMarshaller(ProtoUtils.marshaller(request))
        .setResponseMarshaller(ProtoUtils.marshaller(response))
        .build();
  }

  /** Polls until {@code condition} holds. */
  static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("not within " + PATIENCE + ": " + what);
      }
      java.util.concurrent.locks.LockSupport.parkNanos(2_000_000);
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.terminate(Duration.ofSeconds(1)).toCompletableFuture().join();
    group.close();
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().join();
  }
}
