package io.kvorum.verification.conformance.harness;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.KVGrpc;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.WatchGrpc;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** One plain-text HTTP/2 connection to a server, and raw stubs on it. */
public final class Connection implements AutoCloseable {
  private final ManagedChannel channel;

  private Connection(ManagedChannel channel) {
    this.channel = channel;
  }

  public static Connection to(String address) {
    return new Connection(
        NettyChannelBuilder.forTarget("dns:///" + address)
            .usePlaintext()
            .directExecutor()
            .disableRetry()
            .maxInboundMessageSize(Integer.MAX_VALUE)
            .build());
  }

  public ManagedChannel channel() {
    return channel;
  }

  public KVGrpc.KVBlockingStub kv() {
    return KVGrpc.newBlockingStub(channel);
  }

  public KVGrpc.KVBlockingStub kv(Duration deadline) {
    return kv().withDeadlineAfter(deadline.toMillis(), TimeUnit.MILLISECONDS);
  }

  public WatchGrpc.WatchStub watch() {
    return WatchGrpc.newStub(channel);
  }

  /** True when the server answers a linearizable read within the time. */
  public boolean answers(Duration limit) {
    try {
      var key = ByteString.copyFromUtf8("is-it-ready");
      var unused = kv(limit).range(RangeRequest.newBuilder().setKey(key).build());
      return true;
    } catch (StatusRuntimeException notYet) {
      channel.resetConnectBackoff();
      return false;
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
    try {
      if (!channel.awaitTermination(10, TimeUnit.SECONDS))
        throw new IllegalStateException("the channel does not close");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
