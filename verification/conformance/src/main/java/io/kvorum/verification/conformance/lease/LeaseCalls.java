package io.kvorum.verification.conformance.lease;

import com.google.protobuf.Empty;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import io.etcd.jetcd.api.LeaseGrantRequest;
import io.etcd.jetcd.api.LeaseGrantResponse;
import io.etcd.jetcd.api.LeaseGrpc;
import io.etcd.jetcd.api.LeaseKeepAliveRequest;
import io.etcd.jetcd.api.LeaseKeepAliveResponse;
import io.etcd.jetcd.api.LeaseRevokeRequest;
import io.etcd.jetcd.api.LeaseRevokeResponse;
import io.etcd.jetcd.api.LeaseTimeToLiveRequest;
import io.etcd.jetcd.api.LeaseTimeToLiveResponse;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The calls of the lease service on one channel, each with a deadline. */
public final class LeaseCalls {
  private static final Duration LIMIT = Duration.ofSeconds(15);

  private static final MethodDescriptor<Empty, Empty> LEASES =
      MethodDescriptor.<Empty, Empty>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("etcdserverpb.Lease/LeaseLeases")
          .setRequestMarshaller(ProtoUtils.marshaller(Empty.getDefaultInstance()))
          .setResponseMarshaller(ProtoUtils.marshaller(Empty.getDefaultInstance()))
          .build();

  private final ManagedChannel channel;

  public LeaseCalls(ManagedChannel channel) {
    this.channel = channel;
  }

  private LeaseGrpc.LeaseBlockingStub stub() {
    return LeaseGrpc.newBlockingStub(channel)
        .withDeadlineAfter(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
  }

  public LeaseGrantResponse grant(long id, long ttl) {
    return stub().leaseGrant(LeaseGrantRequest.newBuilder().setID(id).setTTL(ttl).build());
  }

  public LeaseRevokeResponse revoke(long id) {
    return stub().leaseRevoke(LeaseRevokeRequest.newBuilder().setID(id).build());
  }

  public LeaseTimeToLiveResponse timeToLive(long id, boolean keys) {
    return stub()
        .leaseTimeToLive(LeaseTimeToLiveRequest.newBuilder().setID(id).setKeys(keys).build());
  }

  /** jetcd's stubs do not know this call: its answer is taken apart by field numbers. */
  public List<Long> leases() {
    var options = CallOptions.DEFAULT.withDeadlineAfter(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    var answer =
        ClientCalls.blockingUnaryCall(channel, LEASES, options, Empty.getDefaultInstance());
    var ids = new ArrayList<Long>();
    for (var status : answer.getUnknownFields().getField(2).getLengthDelimitedList()) {
      try {
        ids.add(UnknownFieldSet.parseFrom(status).getField(1).getVarintList().getFirst());
      } catch (InvalidProtocolBufferException e) {
        throw new IllegalStateException("no LeaseStatus", e);
      }
    }
    return ids;
  }

  /** One stream on which each of these is renewed once; it ends because the client closes it. */
  public List<LeaseKeepAliveResponse> keepAlive(List<Long> ids) {
    var responses = new ArrayList<LeaseKeepAliveResponse>();
    var ended = new CompletableFuture<List<LeaseKeepAliveResponse>>();
    var requests =
        LeaseGrpc.newStub(channel)
            .withDeadlineAfter(LIMIT.toMillis(), TimeUnit.MILLISECONDS)
            .leaseKeepAlive(
                new StreamObserver<LeaseKeepAliveResponse>() {
                  @Override
                  public void onNext(LeaseKeepAliveResponse response) {
                    responses.add(response);
                  }

                  @Override
                  public void onError(Throwable failure) {
                    ended.completeExceptionally(failure);
                  }

                  @Override
                  public void onCompleted() {
                    ended.complete(responses);
                  }
                });
    for (long id : ids) requests.onNext(LeaseKeepAliveRequest.newBuilder().setID(id).build());
    requests.onCompleted();
    return ended.join();
  }
}
