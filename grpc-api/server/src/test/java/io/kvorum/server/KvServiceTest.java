package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.kvorum.actors.raft.membership.Standing;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmMember;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import io.kvorum.protocol.etcdserverpb.CompactionRequest;
import io.kvorum.protocol.etcdserverpb.CompactionResponse;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.DeleteRangeResponse;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The KV service over the wire, with a real gRPC client. */
class KvServiceTest {
  private static final ByteString KEY = ByteString.copyFromUtf8("key");
  private static final MethodDescriptor<DeleteRangeRequest, DeleteRangeResponse> DELETE =
      ServerFixture.unary(
          "etcdserverpb.KV/DeleteRange",
          DeleteRangeRequest.getDefaultInstance(),
          DeleteRangeResponse.getDefaultInstance());
  private static final MethodDescriptor<TxnRequest, TxnResponse> TXN =
      ServerFixture.unary(
          "etcdserverpb.KV/Txn", TxnRequest.getDefaultInstance(), TxnResponse.getDefaultInstance());
  private static final MethodDescriptor<CompactionRequest, CompactionResponse> COMPACT =
      ServerFixture.unary(
          "etcdserverpb.KV/Compact",
          CompactionRequest.getDefaultInstance(),
          CompactionResponse.getDefaultInstance());

  private final ServerFixture fixture = new ServerFixture();
  private final FakeGroup group = fixture.group;

  @AfterEach
  void close() {
    fixture.close();
    assertEquals(0, group.openViews.get(), "every view is closed");
  }

  private static RangeRequest.Builder range() {
    return RangeRequest.newBuilder().setKey(KEY);
  }

  private static ResponseHeader fullHeader() {
    return ResponseHeader.newBuilder()
        .setClusterId(FakeGroup.CLUSTER_ID)
        .setMemberId(FakeGroup.MEMBER_ID)
        .setRaftTerm(FakeGroup.TERM)
        .setRevision(FakeGroup.REVISION)
        .build();
  }

  @Test
  void whatTheQuotaHasNoRoomForIsRefusedBeforeAnythingElseIsLookedAt() {
    group.room = 299;
    PutRequest.Builder put = PutRequest.newBuilder().setValue(ByteString.copyFrom(new byte[44]));
    String noSpace = "RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded";
    // It has no key either, which would be refused next.
    assertEquals(noSpace, fixture.failure(ServerFixture.PUT, put.build()));
    assertEquals(
        List.of(
            AlarmMember.newBuilder()
                .setMemberID(FakeGroup.MEMBER_ID)
                .setAlarm(AlarmType.NOSPACE)
                .build()),
        group.alarms);
    TxnRequest nested =
        TxnRequest.newBuilder()
            .addFailure(
                RequestOp.newBuilder()
                    .setRequestTxn(
                        TxnRequest.newBuilder()
                            .addSuccess(RequestOp.newBuilder().setRequestPut(put))))
            .build();
    assertEquals(noSpace, fixture.failure(TXN, nested));
    assertEquals(0, group.proposed.size());
    put.setKey(KEY).setValue(ByteString.copyFrom(new byte[40]));
    fixture.call(ServerFixture.PUT, put.build());
    group.room = 0;
    fixture.call(DELETE, DeleteRangeRequest.newBuilder().setKey(KEY).build());
    fixture.call(TXN, TxnRequest.getDefaultInstance());
  }

  @Test
  void everyAnswerHasAFullHeader() {
    PutRequest put = PutRequest.newBuilder().setKey(KEY).build();
    assertEquals(fullHeader(), fixture.call(ServerFixture.RANGE, range().build()).getHeader());
    assertEquals(fullHeader(), fixture.call(ServerFixture.PUT, put).getHeader());
    assertEquals(
        fullHeader(),
        fixture.call(DELETE, DeleteRangeRequest.newBuilder().setKey(KEY).build()).getHeader());
    assertEquals(
        fullHeader(),
        fixture.call(TXN, txn(RequestOp.newBuilder().setRequestPut(put))).getHeader());
    assertEquals(
        fullHeader(), fixture.call(COMPACT, CompactionRequest.getDefaultInstance()).getHeader());
    assertEquals(4, group.proposed.size());
  }

  @Test
  void onlyLinearizableReadsPassTheBarrier() {
    fixture.call(ServerFixture.RANGE, range().setSerializable(true).build());
    assertEquals(0, group.barriers.get());
    fixture.call(ServerFixture.RANGE, range().build());
    assertEquals(1, group.barriers.get());
    assertEquals(2, fixture.metrics.count("range true"));
    assertEquals(2, fixture.metrics.count("read RANGE true"));
  }

  @Test
  void readsRunOnTheReadExecutor() {
    Thread[] reader = new Thread[1];
    group.ranges =
        request -> {
          reader[0] = Thread.currentThread();
          return Outcome.ok(RangeResponse.newBuilder());
        };
    Thread[] worker = new Thread[1];
    group.readExecutor.execute(() -> worker[0] = Thread.currentThread());
    for (boolean serializable : new boolean[] {true, false}) {
      fixture.call(ServerFixture.RANGE, range().setSerializable(serializable).build());
      assertTrue(reader[0].getName().startsWith("pool-"), reader[0].getName());
    }
  }

  @Test
  void aTxnOfRangesIsReadLocally() {
    RequestOp.Builder local = RequestOp.newBuilder().setRequestRange(range().setSerializable(true));
    RequestOp.Builder quorum = RequestOp.newBuilder().setRequestRange(range());
    assertEquals(fullHeader(), fixture.call(TXN, txn(local)).getHeader());
    assertEquals(0, group.barriers.get());
    fixture.call(TXN, txn(local).toBuilder().addFailure(quorum).build());
    assertEquals(1, group.barriers.get());
    // Two empty branches count as serializable.
    fixture.call(TXN, TxnRequest.getDefaultInstance());
    assertEquals(1, group.barriers.get());
    assertEquals(0, group.proposed.size());
    // A nested transaction makes a write of it, even when it only reads.
    fixture.call(TXN, txn(RequestOp.newBuilder().setRequestTxn(txn(local))));
    assertEquals(1, group.proposed.size());
  }

  @Test
  void refusalsCarryCodeAndText() {
    assertEquals(
        "INVALID_ARGUMENT: etcdserver: key is not provided",
        fixture.failure(ServerFixture.RANGE, RangeRequest.getDefaultInstance()));
    assertEquals(
        "INVALID_ARGUMENT: etcdserver: invalid sort option",
        fixture.failure(ServerFixture.RANGE, range().setSortOrderValue(99).build()));
    assertEquals(
        "INVALID_ARGUMENT: etcdserver: value is provided",
        fixture.failure(
            ServerFixture.PUT,
            PutRequest.newBuilder().setKey(KEY).setValue(KEY).setIgnoreValue(true).build()));
    assertEquals(
        "INVALID_ARGUMENT: etcdserver: key is not provided",
        fixture.failure(DELETE, DeleteRangeRequest.getDefaultInstance()));
    assertEquals(
        "INVALID_ARGUMENT: etcdserver: key not found",
        fixture.failure(TXN, txn(RequestOp.newBuilder())));
    assertEquals(0, group.proposed.size());
    group.ranges = request -> Outcome.refused(EtcdError.COMPACTED);
    assertEquals(
        "OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted",
        fixture.failure(ServerFixture.RANGE, range().build()));
    group.barrier =
        () -> CompletableFuture.completedFuture(Outcome.refused(EtcdError.LEADER_CHANGED));
    assertEquals(
        "UNAVAILABLE: etcdserver: leader changed",
        fixture.failure(ServerFixture.RANGE, range().build()));
    group.proposals =
        command ->
            CompletableFuture.completedFuture(Outcome.refused(EtcdError.REQUEST_TOO_MANY_REQUESTS));
    assertEquals(
        "UNKNOWN: etcdserver: too many requests",
        fixture.failure(COMPACT, CompactionRequest.getDefaultInstance()));
    assertEquals(
        1, fixture.metrics.count("etcdserverpb.KV/Compact handled UNKNOWN"), "handled by code");
  }

  @Test
  void aPhysicalCompactionIsAnsweredWhenNothingIsLeftOfIt() {
    CompletableFuture<Void> compacted = new CompletableFuture<>();
    group.compacted = compacted;
    var answer =
        ClientCalls.futureUnaryCall(
            fixture.channel.newCall(COMPACT, ServerFixture.options()),
            CompactionRequest.newBuilder().setPhysical(true).build());
    ServerFixture.await("proposed", () -> !group.proposed.isEmpty());
    fixture.call(COMPACT, CompactionRequest.getDefaultInstance());
    assertFalse(answer.isDone());
    compacted.complete(null);
    ServerFixture.await("answered", answer::isDone);
  }

  @Test
  void failuresAndOverload() {
    group.readExecutor =
        work -> {
          throw new RejectedExecutionException("full");
        };
    assertEquals(
        "UNKNOWN: etcdserver: too many requests",
        fixture.failure(ServerFixture.RANGE, range().setSerializable(true).build()));
    assertEquals(
        "UNKNOWN: etcdserver: too many requests",
        fixture.failure(ServerFixture.RANGE, range().build()));
    group.proposals = command -> CompletableFuture.failedFuture(new IllegalStateException("dead"));
    assertEquals(
        "UNKNOWN: dead",
        fixture.failure(ServerFixture.PUT, PutRequest.newBuilder().setKey(KEY).build()));
  }

  @Test
  void aDeadlineEndsACallThatWaits() {
    CompletableFuture<Outcome<Object>> never = new CompletableFuture<>();
    group.proposals = command -> never;
    StatusRuntimeException late =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                ClientCalls.blockingUnaryCall(
                    fixture.channel,
                    ServerFixture.PUT,
                    CallOptions.DEFAULT.withDeadlineAfter(100, TimeUnit.MILLISECONDS),
                    PutRequest.newBuilder().setKey(KEY).build()));
    assertEquals(Status.Code.DEADLINE_EXCEEDED, late.getStatus().getCode());
    ServerFixture.await(
        "the server gives up as well",
        () -> fixture.metrics.count("etcdserverpb.KV/Put handled DEADLINE_EXCEEDED") == 1);
  }

  @Test
  void largeMessagesBothWays() {
    byte[] large = new byte[2_000_000];
    group.ranges =
        request ->
            Outcome.ok(
                RangeResponse.newBuilder()
                    .addKvs(
                        KeyValue.newBuilder().setValue(ByteString.copyFrom(new byte[8_000_000]))));
    assertEquals(
        8_000_000, fixture.call(ServerFixture.RANGE, range().build()).getKvs(0).getValue().size());
    PutRequest put =
        PutRequest.newBuilder().setKey(KEY).setValue(ByteString.copyFrom(large)).build();
    fixture.call(ServerFixture.PUT, put);
    assertEquals(put, group.proposed.remove().getPut());
    PutRequest tooLarge =
        put.toBuilder().setValue(ByteString.copyFrom(new byte[2_097_152])).build();
    String expected =
        "RESOURCE_EXHAUSTED: grpc: received message larger than max (%d vs. 2097152)"
            .formatted(tooLarge.getSerializedSize());
    for (int i = 0; i < 30; i++) {
      assertEquals(expected, fixture.failure(ServerFixture.PUT, tooLarge));
    }
    // The connection's window has survived what was dropped.
    fixture.call(ServerFixture.PUT, put);
  }

  @Test
  void aConnectionCarriesMoreThanAHundredMebibytesUp() {
    PutRequest put =
        PutRequest.newBuilder()
            .setKey(KEY)
            .setValue(ByteString.copyFrom(new byte[1_500_000]))
            .build();
    for (int i = 0; i < 80; i++) {
      fixture.call(ServerFixture.PUT, put);
      group.proposed.clear();
    }
  }

  @Test
  void compressedRequestsAreRead() {
    PutRequest put =
        PutRequest.newBuilder()
            .setKey(KEY)
            .setValue(ByteString.copyFrom(new byte[100_000]))
            .build();
    ClientCalls.blockingUnaryCall(
        fixture.channel, ServerFixture.PUT, ServerFixture.options().withCompression("gzip"), put);
    assertEquals(put, group.proposed.remove().getPut());
  }

  @Test
  void whoIsNoMemberSendsClientsElsewhere() {
    group.standing = Standing.NOBODY;
    String refused = "UNAVAILABLE: etcdserver: server stopped";
    assertEquals(refused, fixture.failure(ServerFixture.RANGE, range().build()));
    assertEquals(refused, fixture.failure(COMPACT, CompactionRequest.getDefaultInstance()));
  }

  @Test
  void aLearnerServesOnlySerializableRanges() {
    group.standing = Standing.LEARNER;
    String refused = "FAILED_PRECONDITION: etcdserver: rpc not supported for learner";
    assertEquals(refused, fixture.failure(ServerFixture.RANGE, range().build()));
    assertEquals(refused, fixture.failure(COMPACT, CompactionRequest.getDefaultInstance()));
    fixture.call(ServerFixture.RANGE, range().setSerializable(true).build());
  }

  @Test
  void aClientMayAskForALeader() {
    Metadata metadata = new Metadata();
    metadata.put(Metadata.Key.of("hasleader", Metadata.ASCII_STRING_MARSHALLER), "true");
    RangeRequest request = range().setSerializable(true).build();
    fixture.call(ServerFixture.RANGE, request, metadata);
    group.leader = MemberId.NONE;
    assertEquals(
        "UNAVAILABLE: etcdserver: no leader",
        fixture.failure(ServerFixture.RANGE, request, metadata));
    fixture.call(ServerFixture.RANGE, request);
  }

  @Test
  void clientVersionsAreCounted() {
    Metadata metadata = new Metadata();
    metadata.put(Metadata.Key.of("client-api-version", Metadata.ASCII_STRING_MARSHALLER), "3.7.1");
    fixture.call(ServerFixture.RANGE, range().build(), metadata);
    fixture.call(ServerFixture.RANGE, range().build());
    assertEquals(1, fixture.metrics.count("client UNARY 3.7.1"));
    assertEquals(1, fixture.metrics.count("client UNARY unknown"));
  }

  @Test
  void callsAreCounted() {
    PutRequest put = PutRequest.newBuilder().setKey(KEY).build();
    Message answer = fixture.call(ServerFixture.PUT, put);
    String method = "etcdserverpb.KV/Put";
    assertEquals(1, fixture.metrics.count(method + " started"));
    assertEquals(1, fixture.metrics.count(method + " received"));
    assertEquals(put.getSerializedSize(), fixture.metrics.count(method + " received bytes"));
    assertEquals(1, fixture.metrics.count(method + " sent"));
    assertEquals(answer.getSerializedSize(), fixture.metrics.count(method + " sent bytes"));
    assertEquals(1, fixture.metrics.count(method + " handled OK"));
  }

  private static TxnRequest txn(RequestOp.Builder op) {
    return TxnRequest.newBuilder().addSuccess(op).build();
  }
}
