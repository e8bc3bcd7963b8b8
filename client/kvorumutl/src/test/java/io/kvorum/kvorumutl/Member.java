package io.kvorum.kvorumutl;

import static io.kvorum.protocol.internal.MembershipChange.Kind.ADD_VOTER;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.ByteString;
import io.kvorum.actors.apply.MembershipState;
import io.kvorum.persistence.mvcc.ApplyBatch;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.persistence.snapshot.SnapshotFile;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.etcdserverpb.CompactionRequest;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.protocol.internal.MembershipChange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** A member's keyspace, filled as its applier would, and the snapshot that a client saves of it. */
final class Member implements AutoCloseable {
  static final long CLUSTER = 0x1234;
  private static final int PIECE_BYTES = 32 << 10;
  private static final int BATCH = 100;

  private final Keyspace keyspace;
  private long index;

  private Member(Keyspace keyspace) {
    this.keyspace = keyspace;
  }

  static Member in(Path directory) {
    Member member =
        new Member(Keyspace.open(directory, GroupId.DEFAULT, KeyspaceOptions.defaults()));
    MembershipState membership =
        new MembershipState(
            Membership.newBuilder().setClusterId(CLUSTER).setClusterVersion("3.7.0").build());
    var unused =
        membership.apply(
            MembershipChange.newBuilder()
                .setKind(ADD_VOTER)
                .setMemberId(7)
                .addPeerUrls("http://old:2380")
                .build());
    try (ApplyBatch batch = member.keyspace.beginBatch()) {
      batch.putMeta(MembershipState.META_KEY, membership.get().toByteArray());
      batch.putMeta("note", "kept".getBytes(UTF_8));
      batch.skip(member.next());
      batch.commit();
    }
    return member;
  }

  private LogPosition next() {
    return new LogPosition(++index, 2);
  }

  Keyspace keyspace() {
    return keyspace;
  }

  Member put(String key, ByteString value) {
    try (ApplyBatch batch = keyspace.beginBatch()) {
      var unused = batch.put(next(), request(key, value));
      batch.commit();
    }
    return this;
  }

  Member put(String key, String value) {
    return put(key, ByteString.copyFromUtf8(value));
  }

  private static PutRequest request(String key, ByteString value) {
    return PutRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).setValue(value).build();
  }

  /** Values that LevelDB cannot compress. */
  Member fill(int keys, int valueBytes, long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < keys; ) {
      try (ApplyBatch batch = keyspace.beginBatch()) {
        for (int end = Math.min(keys, i + BATCH); i < end; i++) {
          byte[] value = new byte[valueBytes];
          random.nextBytes(value);
          var unused = batch.put(next(), request("fill/" + i, ByteString.copyFrom(value)));
        }
        batch.commit();
      }
    }
    return this;
  }

  Member delete(String key) {
    try (ApplyBatch batch = keyspace.beginBatch()) {
      var unused =
          batch.deleteRange(
              next(), DeleteRangeRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).build());
      batch.commit();
    }
    return this;
  }

  Member compact(long revision) {
    try (ApplyBatch batch = keyspace.beginBatch()) {
      var unused =
          batch.compact(next(), CompactionRequest.newBuilder().setRevision(revision).build());
      batch.commit();
    }
    var unused = keyspace.physicalCompaction().toCompletableFuture().join();
    return this;
  }

  /** As etcdctl snapshot save does. */
  void save(Path file) throws IOException {
    try (SnapshotFile snapshot = SnapshotFile.open(keyspace.export(), CLUSTER, PIECE_BYTES);
        OutputStream out = Files.newOutputStream(file)) {
      for (SnapshotFile.Piece piece = snapshot.next(); piece != null; piece = snapshot.next()) {
        piece.bytes().writeTo(out);
      }
    }
  }

  @Override
  public void close() {
    keyspace.close();
  }
}
