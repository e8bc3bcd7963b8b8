package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.delete;
import static io.kvorum.persistence.mvcc.Requests.op;
import static io.kvorum.persistence.mvcc.Requests.put;
import static io.kvorum.persistence.mvcc.Requests.refusal;
import static io.kvorum.persistence.mvcc.Requests.txn;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.etcdserverpb.LeaseGrantRequest;
import io.kvorum.protocol.internal.LeaseCheckpoints;
import io.kvorum.protocol.internal.LeaseExpiry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeaseTest {
  private static final long A = 100;
  private static final long B = Long.MIN_VALUE;

  @TempDir Path directory;
  private TestKeyspace store;

  @BeforeEach
  void open() {
    store = new TestKeyspace(directory.resolve("keyspace"));
    store.grant(A, 30);
    store.grant(B, 40);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private long revision() {
    return store.keyspace.currentRevision();
  }

  @Test
  void aLeaseOutlivesARestartWithItsKeys() {
    long grantedAt = store.lease(A).grantedAt();
    store.put(put("a", "1").setLease(A));
    store.reopen();
    assertEquals(new StoredLease(A, 30, 0, grantedAt), store.lease(A));
    assertEquals(List.of("a"), store.keysOf(A));
    List<Long> all = new ArrayList<>();
    try (LeaseView view = store.keyspace.leases()) {
      view.forEach(lease -> all.add(lease.id()));
    }
    assertEquals(List.of(B, A), all.stream().sorted().toList());
  }

  @Test
  void anIdInUseIsRefused() {
    LeaseGrantRequest again = LeaseGrantRequest.newBuilder().setID(A).setTTL(5).build();
    assertEquals(
        EtcdError.LEASE_EXIST,
        refusal(store.apply(batch -> batch.grantLease(store.next(), again))));
    assertEquals(30, store.lease(A).ttlSeconds());
    assertEquals(1, revision());
  }

  @Test
  void aKeyHasTheLeaseOfItsNewestPut() {
    store.put(put("a", "1").setLease(A));
    store.put(put("a", "2").setLease(A));
    assertEquals(List.of("a"), store.keysOf(A));
    store.put(put("a", "3").setLease(B));
    assertEquals(List.of(), store.keysOf(A));
    assertEquals(List.of("a"), store.keysOf(B));
    store.put(put("a", "").setIgnoreValue(true).setLease(A));
    assertEquals(List.of("a"), store.keysOf(A));
    store.put(put("a", "4").setIgnoreLease(true));
    assertEquals(List.of("a"), store.keysOf(A));
    store.put(put("a", "5"));
    assertEquals(List.of(), store.keysOf(A));
    store.put(put("a", "6").setLease(A));
    store.delete(delete("a"));
    assertEquals(List.of(), store.keysOf(A));
    assertEquals(List.of(), store.keysOf(B));
  }

  @Test
  void whatOneTransactionAttachesAndDetachesCountsInItsOrder() {
    store.put(put("b", "1").setLease(B));
    store.txn(txn(op(delete("b")), op(put("c", "1").setLease(A)), op(put("a", "1").setLease(A))));
    assertEquals(List.of("a", "c"), store.keysOf(A));
    assertEquals(List.of(), store.keysOf(B));
  }

  @Test
  void revokingDeletesTheKeysInTheirOrderUnderOneRevision() {
    store.put(put("b", "1").setLease(A));
    store.put(put("c", "1").setLease(A));
    store.put(put("a", "1").setLease(A));
    store.put(put("d", "1").setLease(B));
    long before = revision();
    store.events.clear();
    assertEquals(before + 1, Requests.ok(store.tryRevoke(A)).getHeader().getRevision());
    assertEquals(
        List.of(before + 1 + ": DELETE a=", before + 1 + ": DELETE b=", before + 1 + ": DELETE c="),
        TestKeyspace.eventText(store.events));
    assertNull(store.lease(A));
    assertEquals(EtcdError.LEASE_NOT_FOUND, refusal(store.tryRevoke(A)));
    assertEquals(EtcdError.LEASE_NOT_FOUND, refusal(store.tryPut(put("a", "2").setLease(A))));
    assertEquals(List.of("d"), store.keysOf(B));
  }

  @Test
  void revokingALeaseWithoutKeysDoesNotBump() {
    long before = revision();
    assertEquals(before, Requests.ok(store.tryRevoke(A)).getHeader().getRevision());
    assertEquals(before, revision());
  }

  @Test
  void aGrantTheKeysAndTheRevokeInOneBatch() {
    try (ApplyBatch batch = store.keyspace.beginBatch()) {
      long index = store.keyspace.applied().index();
      LeaseGrantRequest grant = LeaseGrantRequest.newBuilder().setID(9).setTTL(5).build();
      Requests.ok(batch.grantLease(new LogPosition(index + 1, 1), grant));
      Requests.ok(batch.put(new LogPosition(index + 2, 1), put("a", "1").setLease(9).build()));
      Requests.ok(batch.put(new LogPosition(index + 3, 1), put("b", "1").setLease(A).build()));
      assertTrue(
          batch.expireLeases(
              new LogPosition(index + 4, 1),
              expiry(1, Map.of(9L, index + 1, A, store.lease(A).grantedAt()))));
      assertEquals(
          List.of(
              new LeaseChange.Granted(new StoredLease(9, 5, 0, index + 1)),
              new LeaseChange.Revoked(9),
              new LeaseChange.Revoked(A)),
          batch.leaseChanges().stream()
              .sorted(java.util.Comparator.comparing(change -> change.id() == A))
              .toList());
      assertEquals(4, batch.commit().size());
    }
    assertNull(store.lease(9));
    assertNull(store.lease(A));
    assertEquals(List.of(), store.keysOf(9));
    assertEquals(0, store.keyspace.stats().liveKeys());
  }

  private static LeaseExpiry expiry(long term, Map<Long, Long> leases) {
    LeaseExpiry.Builder expiry = LeaseExpiry.newBuilder().setTerm(term);
    leases.forEach((id, grantedAt) -> expiry.addIds(id).addGrantedAt(grantedAt));
    return expiry.build();
  }

  @Test
  void onlyTheLeaderOfTheEntrysTermEndsLeases() {
    store.put(put("a", "1").setLease(A));
    LeaseExpiry expiry = expiry(1, Map.of(A, store.lease(A).grantedAt()));
    LogPosition later = new LogPosition(store.next().index(), 2);
    boolean byAnother = store.apply(batch -> batch.expireLeases(later, expiry));
    assertFalse(byAnother);
    assertEquals(List.of("a"), store.keysOf(A));
    LeaseExpiry next = expiry(2, Map.of(A, store.lease(A).grantedAt()));
    LogPosition afterwards = new LogPosition(store.next().index(), 2);
    boolean expired = store.apply(batch -> batch.expireLeases(afterwards, next));
    assertTrue(expired);
    assertNull(store.lease(A));
  }

  @Test
  void aLeaseGrantedAnewIsNotTheOneThatWasToEnd() {
    LeaseExpiry expiry = expiry(1, Map.of(A, store.lease(A).grantedAt()));
    Requests.ok(store.tryRevoke(A));
    store.grant(A, 30);
    store.put(put("a", "1").setLease(A));
    store.apply(batch -> batch.expireLeases(store.next(), expiry));
    assertEquals(List.of("a"), store.keysOf(A));
  }

  @Test
  void aCheckpointStaysUntilTheNext() {
    long grantedAt = store.lease(A).grantedAt();
    assertTrue(checkpoint(1, grantedAt, 12));
    store.reopen();
    assertEquals(new StoredLease(A, 30, 12, grantedAt), store.lease(A));
    assertEquals(12, store.lease(A).leftSeconds());
    assertFalse(checkpoint(2, grantedAt, 3));
    checkpoint(1, grantedAt + 1, 3);
    assertEquals(12, store.lease(A).leftSeconds());
    checkpoint(1, grantedAt, 0);
    assertEquals(30, store.lease(A).leftSeconds());
    assertEquals(1, revision());
  }

  private boolean checkpoint(long term, long grantedAt, long remaining) {
    LeaseCheckpoints checkpoints =
        LeaseCheckpoints.newBuilder()
            .setTerm(term)
            .addCheckpoints(
                LeaseCheckpoints.Checkpoint.newBuilder()
                    .setId(A)
                    .setGrantedAt(grantedAt)
                    .setRemainingSeconds(remaining))
            .build();
    return store.apply(batch -> batch.checkpointLeases(store.next(), checkpoints));
  }

  @Test
  void anInstalledSnapshotBringsItsLeases() {
    store.put(put("a", "1").setLease(A));
    try (TestKeyspace other = new TestKeyspace(directory.resolve("other"));
        KeyspaceExport export = store.keyspace.export()) {
      try (KeyspaceStaging staging = other.keyspace.stage(0);
          KeyspaceExport.Rows rows = export.rows()) {
        other.grant(55, 5);
        while (rows.advance()) {
          staging.put(rows.key(), rows.value());
        }
        staging.seal(export.position());
        other.keyspace.install(staging);
      }
      assertEquals(store.lease(A), other.lease(A));
      assertEquals(List.of("a"), other.keysOf(A));
      assertEquals(EtcdError.LEASE_NOT_FOUND, refusal(other.tryPut(put("b", "1").setLease(55))));
      Requests.ok(other.tryRevoke(A));
      assertEquals(0, other.keyspace.stats().liveKeys());
    }
  }

  @Test
  void anImportAttachesToTheLeasesThatCome() {
    Path imported = directory.resolve("imported");
    byte[] record = RecordCodec.encode(record("a", A));
    byte[] large = RecordCodec.encode(record("b".repeat(5000), A));
    byte[] orphan = RecordCodec.encode(record("c", 77));
    try (KeyspaceImport target =
        KeyspaceImport.into(imported, GroupId.DEFAULT, TestKeyspace.OPTIONS)) {
      target.add(2, 0, false, "a".getBytes(java.nio.charset.StandardCharsets.UTF_8), record);
      target.addLease(new StoredLease(A, 30, 7, 0));
      target.add(3, 0, false, record("b".repeat(5000), A).getKey().toByteArray(), large);
      target.add(4, 0, false, record("c", 77).getKey().toByteArray(), orphan);
      target.finish(new LogPosition(5, 1), 1, -1, -1, Map.of());
    }
    try (TestKeyspace opened = new TestKeyspace(imported)) {
      assertEquals(new StoredLease(A, 30, 7, 0), opened.lease(A));
      assertEquals(List.of("a", "b".repeat(5000)), opened.keysOf(A));
      assertEquals(List.of(), opened.keysOf(77));
      Requests.ok(opened.tryRevoke(A));
      assertEquals(1, opened.keyspace.stats().liveKeys());
    }
  }

  private static io.kvorum.protocol.mvccpb.KeyValue record(String key, long lease) {
    return io.kvorum.protocol.mvccpb.KeyValue.newBuilder()
        .setKey(Requests.bytes(key))
        .setCreateRevision(2)
        .setModRevision(2)
        .setVersion(1)
        .setLease(lease)
        .build();
  }
}
