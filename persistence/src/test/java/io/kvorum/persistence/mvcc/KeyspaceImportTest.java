package io.kvorum.persistence.mvcc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.etcdserverpb.CompactionRequest;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.RequestOp;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyspaceImportTest {
  private static final String SEED = "kvorum.import.seed";
  private static final KeyspaceOptions OPTIONS =
      KeyspaceOptions.defaults().withCompaction(100, Duration.ZERO);
  private static final byte[] META = {1, 2, 3};

  @TempDir Path directory;

  private final long seed = Long.getLong(SEED, System.nanoTime());
  private final Random random = new Random(seed);
  private final String replay = "replay with -D" + SEED + "=" + seed;

  private ByteString key() {
    return ByteString.copyFrom(new byte[] {(byte) random.nextInt(3), (byte) random.nextInt(40)});
  }

  private PutRequest put() {
    // Some are too large for the table of current records.
    int bytes = random.nextInt(20) == 0 ? 5000 : random.nextInt(50);
    return PutRequest.newBuilder()
        .setKey(key())
        .setValue(ByteString.copyFrom(new byte[bytes]))
        .build();
  }

  private DeleteRangeRequest delete() {
    DeleteRangeRequest.Builder delete = DeleteRangeRequest.newBuilder().setKey(key());
    if (random.nextInt(10) == 0) {
      delete.setRangeEnd(key());
    }
    return delete.build();
  }

  private void fill(Keyspace keyspace) {
    for (int i = 1; i <= 600; i++) {
      try (ApplyBatch batch = keyspace.beginBatch()) {
        LogPosition at = new LogPosition(i, 1);
        switch (random.nextInt(4)) {
          case 0 -> batch.deleteRange(at, delete());
          case 1 ->
              batch.txn(
                  at,
                  TxnRequest.newBuilder()
                      .addSuccess(RequestOp.newBuilder().setRequestDeleteRange(delete()))
                      .addSuccess(RequestOp.newBuilder().setRequestPut(put()))
                      .build());
          default -> batch.put(at, put());
        }
        batch.putMeta("owner", META);
        batch.commit();
      }
    }
  }

  /** Every row but those in which two keyspaces of the same content may differ. */
  private static List<String> rows(Keyspace keyspace) {
    List<String> all = new ArrayList<>();
    try (KeyspaceExport export = keyspace.export();
        KeyspaceExport.Rows rows = export.rows()) {
      while (rows.advance()) {
        if (rows.key()[4] != 's') {
          all.add(
              HexFormat.of().formatHex(rows.key()) + " " + HexFormat.of().formatHex(rows.value()));
        }
      }
    }
    return all;
  }

  private KeyspaceImport.Summary copy(Keyspace from, Path into, long compaction) {
    try (KeyspaceImport target = KeyspaceImport.into(into, GroupId.DEFAULT, OPTIONS);
        KeyspaceExport export = from.export();
        KeyspaceExport.Rows rows = export.rows()) {
      while (rows.advance()) {
        byte[] row = rows.key();
        if (row[4] == 'r') {
          byte[] record = rows.value();
          target.add(
              Tables.mainOfRevision(row),
              Tables.subOfRevision(row),
              Tables.isTombstoneRevision(row),
              RecordCodec.decode(record).getKey().toByteArray(),
              record);
        }
      }
      return target.finish(from.applied(), 1, compaction, -1, Map.of("owner", META));
    }
  }

  private static void awaitCompaction(Keyspace keyspace) throws Exception {
    keyspace.physicalCompaction().toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  @Test
  void aCopyIsTheSameAndFinishesACompaction() throws Exception {
    try (Keyspace original = Keyspace.open(directory.resolve("a"), GroupId.DEFAULT, OPTIONS)) {
      fill(original);
      long compaction = 1 + random.nextLong(original.currentRevision());
      KeyspaceImport.Summary plain = copy(original, directory.resolve("b"), -1);
      assertEquals(original.currentRevision(), plain.revision(), replay);
      assertEquals(original.stats().liveKeys(), plain.liveKeys(), replay);
      copy(original, directory.resolve("c"), compaction);
      requireSame(original, directory.resolve("b"));

      try (ApplyBatch batch = original.beginBatch()) {
        batch.compact(
            new LogPosition(601, 1),
            CompactionRequest.newBuilder().setRevision(compaction).build());
        batch.commit();
      }
      awaitCompaction(original);
      requireSame(original, directory.resolve("c"));
    }
  }

  private void requireSame(Keyspace original, Path copied) throws Exception {
    try (Keyspace copy = Keyspace.open(copied, GroupId.DEFAULT, OPTIONS)) {
      awaitCompaction(copy);
      assertEquals(original.currentRevision(), copy.currentRevision(), replay);
      assertEquals(original.compactedRevision(), copy.compactedRevision(), replay);
      assertEquals(original.stats().liveKeys(), copy.stats().liveKeys(), replay);
      assertEquals(original.stats().sizeInUseBytes(), copy.stats().sizeInUseBytes(), replay);
      assertEquals(rows(original), rows(copy), replay);
    }
  }

  @Test
  void refusesRecordsOutOfOrder() {
    byte[] key = {1};
    try (KeyspaceImport target =
        KeyspaceImport.into(directory.resolve("a"), GroupId.DEFAULT, OPTIONS)) {
      target.add(5, 0, false, key, new byte[] {10, 1, 1});
      target.add(5, 1, false, key, new byte[] {10, 1, 1});
      assertThrows(
          IllegalArgumentException.class, () -> target.add(5, 1, true, key, new byte[] {10, 1, 1}));
      assertThrows(
          IllegalArgumentException.class, () -> target.add(4, 7, true, key, new byte[] {10, 1, 1}));
    }
  }

  @Test
  void isNoKeyspaceBeforeItIsFinished() {
    byte[] key = {1};
    try (KeyspaceImport target =
        KeyspaceImport.into(directory.resolve("a"), GroupId.DEFAULT, OPTIONS)) {
      target.add(5, 0, false, key, new byte[] {10, 1, 1});
    }
    try (Keyspace keyspace = Keyspace.open(directory.resolve("a"), GroupId.DEFAULT, OPTIONS)) {
      assertEquals(1, keyspace.currentRevision());
      assertEquals(LogPosition.ZERO, keyspace.applied());
    }
  }
}
