package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import io.kvorum.actors.raft.membership.Standing;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.etcdserverpb.DefragmentRequest;
import io.kvorum.protocol.etcdserverpb.DefragmentResponse;
import io.kvorum.protocol.etcdserverpb.HashKVRequest;
import io.kvorum.protocol.etcdserverpb.HashKVResponse;
import io.kvorum.protocol.etcdserverpb.HashRequest;
import io.kvorum.protocol.etcdserverpb.HashResponse;
import io.kvorum.protocol.etcdserverpb.SnapshotRequest;
import io.kvorum.protocol.etcdserverpb.SnapshotResponse;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Hashes, defragmentation and snapshots on the wire. */
class MaintenanceTest {
  private static final MethodDescriptor<HashKVRequest, HashKVResponse> HASH_KV =
      unary("HashKV", HashKVRequest.getDefaultInstance(), HashKVResponse.getDefaultInstance());
  private static final MethodDescriptor<HashRequest, HashResponse> HASH =
      unary("Hash", HashRequest.getDefaultInstance(), HashResponse.getDefaultInstance());
  private static final MethodDescriptor<DefragmentRequest, DefragmentResponse> DEFRAGMENT =
      unary(
          "Defragment",
          DefragmentRequest.getDefaultInstance(),
          DefragmentResponse.getDefaultInstance());
  private static final MethodDescriptor<SnapshotRequest, SnapshotResponse> SNAPSHOT =
      ServerFixture.method(
          "etcdserverpb.Maintenance/Snapshot",
          MethodDescriptor.MethodType.SERVER_STREAMING,
          SnapshotRequest.getDefaultInstance(),
          SnapshotResponse.getDefaultInstance());

  private final ServerFixture fixture = new ServerFixture();

  private static <Q extends Message, R extends Message> MethodDescriptor<Q, R> unary(
      String name, Q request, R response) {
    return ServerFixture.unary("etcdserverpb.Maintenance/" + name, request, response);
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void hashKv() {
    HashKVResponse answer =
        fixture.call(HASH_KV, HashKVRequest.newBuilder().setRevision(12).build());
    assertEquals(FakeGroup.REVISION, answer.getHeader().getRevision());
    assertEquals(FakeGroup.MEMBER_ID, answer.getHeader().getMemberId());
    assertEquals(-2, answer.getHash());
    assertEquals(10, answer.getCompactRevision());
    assertEquals(12, answer.getHashRevision());
    assertEquals(
        ServerFixture.line(EtcdError.COMPACTED.status()),
        fixture.failure(HASH_KV, HashKVRequest.newBuilder().setRevision(9).build()));
  }

  @Test
  void hash() {
    HashResponse answer = fixture.call(HASH, HashRequest.getDefaultInstance());
    assertEquals(FakeGroup.REVISION, answer.getHeader().getRevision());
    assertEquals(-3, answer.getHash());
  }

  @Test
  void defragment() {
    assertFalse(fixture.call(DEFRAGMENT, DefragmentRequest.getDefaultInstance()).hasHeader());
  }

  private List<SnapshotResponse> snapshot() {
    List<SnapshotResponse> pieces = new ArrayList<>();
    ClientCalls.blockingServerStreamingCall(
            fixture.channel,
            SNAPSHOT,
            ServerFixture.options(),
            SnapshotRequest.getDefaultInstance())
        .forEachRemaining(pieces::add);
    return pieces;
  }

  @Test
  void snapshotPieces() {
    List<SnapshotResponse> pieces = snapshot();
    assertEquals(
        List.of("content", "checksum"),
        pieces.stream().map(piece -> piece.getBlob().toStringUtf8()).toList());
    assertEquals("3.7.0", pieces.getLast().getVersion());
    assertFalse(pieces.getFirst().hasHeader());
  }

  /** A learner may be backed up, and is asked for nothing else. */
  @Test
  void ofALearner() {
    fixture.group.standing = Standing.LEARNER;
    assertEquals(2, snapshot().size());
    assertEquals(
        ServerFixture.line(EtcdError.NOT_SUPPORTED_FOR_LEARNER.status()),
        fixture.failure(HASH_KV, HashKVRequest.newBuilder().setRevision(12).build()));
  }
}
