package io.kvorum.persistence.snapshot;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.leveldb.LevelDbOptions;
import io.kvorum.persistence.mvcc.ApplyBatch;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceExport;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Small keyspaces, and the chunks of their snapshots. */
final class SnapshotFixture {

  static final long CLUSTER = 0x1234;
  static final GroupId GROUP = new GroupId(7);

  private SnapshotFixture() {}

  static Keyspace open(Path directory, GroupId group) {
    return Keyspace.open(
        directory,
        group,
        KeyspaceOptions.defaults().withStorage(LevelDbOptions.defaults().withMinFreeBytes(0)));
  }

  static Keyspace open(Path directory) {
    return open(directory, GROUP);
  }

  /** Puts keys, a batch for each, with values of up to {@code maxValueBytes}. */
  static void fill(Keyspace keyspace, int keys, int maxValueBytes, Random random) {
    for (int i = 0; i < keys; i++) {
      byte[] value = new byte[random.nextInt(maxValueBytes + 1)];
      random.nextBytes(value);
      try (ApplyBatch batch = keyspace.beginBatch()) {
        batch.put(
            new LogPosition(keyspace.applied().index() + 1, 1),
            PutRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8("key" + random.nextInt(keys)))
                .setValue(ByteString.copyFrom(value))
                .build());
        batch.putMeta("owner", ("note " + i).getBytes(java.nio.charset.StandardCharsets.UTF_8));
        batch.commit();
      }
    }
  }

  /** A snapshot whole in memory. */
  record Whole(SnapshotHeader header, List<SnapshotChunk> chunks, SnapshotTrailer trailer) {}

  static Whole read(Keyspace keyspace, int chunkBytes) {
    try (SnapshotReader reader = new SnapshotReader(keyspace.export(), CLUSTER, chunkBytes)) {
      return read(reader);
    }
  }

  static Whole read(SnapshotReader reader) {
    List<SnapshotChunk> chunks = new ArrayList<>();
    for (@Nullable SnapshotChunk chunk = reader.next(); chunk != null; chunk = reader.next()) {
      chunks.add(chunk);
    }
    return new Whole(reader.header(), chunks, reader.trailer());
  }

  /** All rows, in hex. */
  static List<String> rows(Keyspace keyspace) {
    List<String> all = new ArrayList<>();
    HexFormat hex = HexFormat.of();
    try (KeyspaceExport export = keyspace.export();
        KeyspaceExport.Rows rows = export.rows()) {
      while (rows.advance()) {
        all.add(hex.formatHex(rows.key()) + "=" + hex.formatHex(rows.value()));
      }
    }
    return all;
  }
}
