package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.kvorum.actors.raft.membership.Standing;
import io.kvorum.protocol.etcdserverpb.LeaseGrantRequest;
import io.kvorum.protocol.etcdserverpb.LeaseGrantResponse;
import io.kvorum.protocol.etcdserverpb.LeaseKeepAliveRequest;
import io.kvorum.protocol.etcdserverpb.LeaseKeepAliveResponse;
import io.kvorum.protocol.etcdserverpb.LeaseLeasesRequest;
import io.kvorum.protocol.etcdserverpb.LeaseLeasesResponse;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeRequest;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeResponse;
import io.kvorum.protocol.etcdserverpb.LeaseTimeToLiveRequest;
import io.kvorum.protocol.etcdserverpb.LeaseTimeToLiveResponse;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The lease service over the wire, in front of leases that the test makes up. */
class LeaseServiceTest {
  private static final MethodDescriptor<LeaseGrantRequest, LeaseGrantResponse> GRANT =
      ServerFixture.unary(
          "etcdserverpb.Lease/LeaseGrant",
          LeaseGrantRequest.getDefaultInstance(),
          LeaseGrantResponse.getDefaultInstance());
  private static final MethodDescriptor<LeaseRevokeRequest, LeaseRevokeResponse> REVOKE =
      ServerFixture.unary(
          "etcdserverpb.Lease/LeaseRevoke",
          LeaseRevokeRequest.getDefaultInstance(),
          LeaseRevokeResponse.getDefaultInstance());
  private static final MethodDescriptor<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse> TTL =
      ServerFixture.unary(
          "etcdserverpb.Lease/LeaseTimeToLive",
          LeaseTimeToLiveRequest.getDefaultInstance(),
          LeaseTimeToLiveResponse.getDefaultInstance());
  private static final MethodDescriptor<LeaseLeasesRequest, LeaseLeasesResponse> LEASES =
      ServerFixture.unary(
          "etcdserverpb.Lease/LeaseLeases",
          LeaseLeasesRequest.getDefaultInstance(),
          LeaseLeasesResponse.getDefaultInstance());
  private static final MethodDescriptor<LeaseKeepAliveRequest, LeaseKeepAliveResponse> KEEP_ALIVE =
      ServerFixture.method(
          "etcdserverpb.Lease/LeaseKeepAlive",
          MethodDescriptor.MethodType.BIDI_STREAMING,
          LeaseKeepAliveRequest.getDefaultInstance(),
          LeaseKeepAliveResponse.getDefaultInstance());

  private final ServerFixture fixture = new ServerFixture();
  private final FakeGroup group = fixture.group;

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void answersHaveTheWholeHeader() {
    LeaseGrantResponse granted =
        fixture.call(GRANT, LeaseGrantRequest.newBuilder().setTTL(1).build());
    assertEquals(FakeGroup.REVISION, granted.getHeader().getRevision());
    assertEquals(FakeGroup.MEMBER_ID, granted.getHeader().getMemberId());
    assertEquals(2, granted.getTTL());
    LeaseRevokeResponse revoked =
        fixture.call(REVOKE, LeaseRevokeRequest.newBuilder().setID(FakeLeases.LEASE).build());
    assertEquals(FakeGroup.TERM, revoked.getHeader().getRaftTerm());
    LeaseTimeToLiveRequest.Builder left =
        LeaseTimeToLiveRequest.newBuilder().setID(FakeLeases.LEASE);
    assertEquals(0, fixture.call(TTL, left.build()).getKeysCount());
    LeaseTimeToLiveResponse withKeys = fixture.call(TTL, left.setKeys(true).build());
    assertEquals(12, withKeys.getTTL());
    assertEquals(30, withKeys.getGrantedTTL());
    assertEquals(1, withKeys.getKeysCount());
    assertEquals(FakeGroup.REVISION, withKeys.getHeader().getRevision());
    LeaseLeasesResponse all = fixture.call(LEASES, LeaseLeasesRequest.getDefaultInstance());
    assertEquals(FakeLeases.LEASE, all.getLeases(0).getID());
    assertEquals(FakeGroup.CLUSTER_ID, all.getHeader().getClusterId());
  }

  @Test
  void refusalsHaveEtcdsWords() {
    assertEquals(
        "FAILED_PRECONDITION: etcdserver: lease already exists",
        fixture.failure(GRANT, LeaseGrantRequest.newBuilder().setID(FakeLeases.LEASE).build()));
    assertEquals(
        "NOT_FOUND: etcdserver: requested lease not found",
        fixture.failure(REVOKE, LeaseRevokeRequest.newBuilder().setID(1).build()));
    LeaseTimeToLiveResponse unknown =
        fixture.call(TTL, LeaseTimeToLiveRequest.newBuilder().setID(1).build());
    assertEquals(-1, unknown.getTTL());
    assertEquals(1, unknown.getID());
    group.standing = Standing.LEARNER;
    assertEquals(
        "FAILED_PRECONDITION: etcdserver: rpc not supported for learner",
        fixture.failure(LEASES, LeaseLeasesRequest.getDefaultInstance()));
  }

  /** What a stream told, and its end. */
  private static final class Told implements StreamObserver<LeaseKeepAliveResponse> {
    final ConcurrentLinkedQueue<String> all = new ConcurrentLinkedQueue<>();

    @Override
    public void onNext(LeaseKeepAliveResponse response) {
      all.add(
          response.getID() + " " + response.getTTL() + " at " + response.getHeader().getRevision());
    }

    @Override
    public void onError(Throwable failure) {
      Status status =
          failure instanceof StatusRuntimeException known ? known.getStatus() : Status.UNKNOWN;
      all.add(ServerFixture.line(status));
    }

    @Override
    public void onCompleted() {
      all.add("end");
    }
  }

  private StreamObserver<LeaseKeepAliveRequest> keepAlive(Told told) {
    return ClientCalls.asyncBidiStreamingCall(
        fixture.channel.newCall(KEEP_ALIVE, ServerFixture.options()), told);
  }

  private static LeaseKeepAliveRequest renew(long id) {
    return LeaseKeepAliveRequest.newBuilder().setID(id).build();
  }

  @Test
  void oneResponsePerRequestAndTheClientEndsTheStream() {
    Told told = new Told();
    StreamObserver<LeaseKeepAliveRequest> requests = keepAlive(told);
    requests.onNext(renew(FakeLeases.LEASE));
    ServerFixture.await("an answer before the end", () -> told.all.size() == 1);
    requests.onNext(renew(1));
    requests.onNext(renew(FakeLeases.LEASE));
    requests.onCompleted();
    ServerFixture.await("the end", () -> told.all.contains("end"));
    assertEquals(List.of("7 30 at 42", "1 0 at 42", "7 30 at 42", "end"), List.copyOf(told.all));
  }

  @Test
  void aStreamWithoutRequestsEndsToo() {
    Told told = new Told();
    keepAlive(told).onCompleted();
    ServerFixture.await("the end", () -> told.all.contains("end"));
  }

  @Test
  void aRefusalEndsTheStream() {
    Told told = new Told();
    StreamObserver<LeaseKeepAliveRequest> requests = keepAlive(told);
    requests.onNext(renew(FakeLeases.LEASE));
    requests.onNext(renew(FakeLeases.TROUBLE));
    ServerFixture.await("the end", () -> told.all.size() == 2);
    assertEquals(List.of("7 30 at 42", "UNKNOWN: not a primary lessor"), List.copyOf(told.all));
  }
}
