package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.CompactionRequest;
import io.kvorum.protocol.etcdserverpb.CompactionResponse;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.DeleteRangeResponse;
import io.kvorum.protocol.etcdserverpb.LeaseGrantRequest;
import io.kvorum.protocol.etcdserverpb.LeaseGrantResponse;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeRequest;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeResponse;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.PutResponse;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import io.kvorum.protocol.internal.LeaseCheckpoints;
import io.kvorum.protocol.internal.LeaseExpiry;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Committed log entries on their way into the keyspace: many entries, one LevelDB write. Each call
 * consumes one entry, a refused one too, and sees the effects of those before it; nobody else sees
 * anything before {@link #commit}. Closed without a commit it leaves no trace. It grows with what
 * is put into it: its caller bounds the entries of a batch. One thread.
 */
public final class ApplyBatch implements AutoCloseable {

  private final Keyspace keyspace;
  private final Tables tables;
  private final StoreState before;
  private final LevelDb.Batch writes;
  private final OperationTotals.Tally tally;
  private final RevisionChain.Head chainBefore;
  private final LeaseChanges leases;
  private final BatchKeys keys;
  private final List<RevisionEvents> revisions = new ArrayList<>();

  private LogPosition applied;

  /** The rolling hash at each new revision. */
  private long[] chain = new long[4];

  private boolean open = true;

  ApplyBatch(
      Keyspace keyspace,
      LevelDb db,
      Tables tables,
      StoreState before,
      RevisionChain.Head chainBefore,
      KeyHeads heads,
      KnownLeases knownLeases,
      OperationTotals totals) {
    this.keyspace = keyspace;
    this.tables = tables;
    this.before = before;
    this.chainBefore = chainBefore;
    this.writes = db.batch();
    this.tally = new OperationTotals.Tally(totals);
    this.leases = new LeaseChanges(tables, new LeaseRows(db, tables, null), knownLeases);
    this.keys =
        new BatchKeys(
            db, tables, before, heads, leases, keyspace::tellsPreviousValues, writes, tally);
    this.applied = before.applied();
  }

  /** KV.Put, after the checks that need no state. */
  public Outcome<PutResponse.Builder> put(LogPosition at, PutRequest request) {
    begin(at);
    if (request.getLease() != 0 && !leases.exists(request.getLease())) {
      return Outcome.refused(EtcdError.LEASE_NOT_FOUND);
    }
    byte[] key = request.getKey().toByteArray();
    BatchKeys.Previous previous = keys.previous(key, request);
    if (previous.record() == null && (request.getIgnoreValue() || request.getIgnoreLease())) {
      return Outcome.refused(EtcdError.KEY_NOT_FOUND);
    }
    PutResponse.Builder response = keys.put(key, request, previous);
    end();
    return Outcome.ok(response);
  }

  public Outcome<DeleteRangeResponse.Builder> deleteRange(
      LogPosition at, DeleteRangeRequest request) {
    begin(at);
    DeleteRangeResponse.Builder response = keys.deleteRange(request);
    end();
    return Outcome.ok(response);
  }

  /** KV.Txn, after the checks that need no state. */
  public Outcome<TxnResponse.Builder> txn(LogPosition at, TxnRequest request) {
    begin(at);
    Outcome<TxnResponse.Builder> outcome =
        TxnEvaluator.changing(keys, keys, leases::exists, request, tally);
    end();
    return outcome;
  }

  /** The logical half of KV.Compact; the physical one starts with the commit. */
  public Outcome<CompactionResponse.Builder> compact(LogPosition at, CompactionRequest request) {
    begin(at);
    if (request.getRevision() <= keys.compactedRevision()) {
      return Outcome.refused(EtcdError.COMPACTED);
    }
    if (request.getRevision() > keys.revision()) {
      return Outcome.refused(EtcdError.FUTURE_REV);
    }
    keys.compact(request.getRevision());
    return Outcome.ok(CompactionResponse.newBuilder().setHeader(header(keys.revision())));
  }

  /**
   * Lease.LeaseGrant.
   *
   * @param request with the id chosen and the TTL within its limits: all members must do the same
   */
  public Outcome<LeaseGrantResponse.Builder> grantLease(LogPosition at, LeaseGrantRequest request) {
    begin(at);
    if (leases.exists(request.getID())) {
      return Outcome.refused(EtcdError.LEASE_EXIST);
    }
    leases.grant(new StoredLease(request.getID(), request.getTTL(), 0, at.index()));
    return Outcome.ok(
        LeaseGrantResponse.newBuilder()
            .setHeader(header(keys.revision()))
            .setID(request.getID())
            .setTTL(request.getTTL()));
  }

  /** Lease.LeaseRevoke: its keys go in key order under one revision, and the lease with them. */
  public Outcome<LeaseRevokeResponse.Builder> revokeLease(
      LogPosition at, LeaseRevokeRequest request) {
    begin(at);
    if (!leases.exists(request.getID())) {
      return Outcome.refused(EtcdError.LEASE_NOT_FOUND);
    }
    revoke(request.getID());
    return Outcome.ok(LeaseRevokeResponse.newBuilder().setHeader(header(keys.revision())));
  }

  /**
   * Revokes leases whose time is up, one after the other, each under a revision of its own. Those
   * that are gone, or were granted anew since, are left as they are.
   *
   * @return whether the proposer led the term of the entry; otherwise nothing is done
   */
  public boolean expireLeases(LogPosition at, LeaseExpiry expiry) {
    begin(at);
    if (expiry.getTerm() != at.term()) {
      return false;
    }
    for (int i = 0; i < expiry.getIdsCount(); i++) {
      StoredLease lease = leases.get(expiry.getIds(i));
      if (lease != null && lease.grantedAt() == expiry.getGrantedAt(i)) {
        revoke(lease.id());
      }
    }
    return true;
  }

  private void revoke(long id) {
    for (byte[] key : leases.keys(id)) {
      KeyValue record = keys.get(key, Keys.NEWEST);
      if (record != null && record.getLease() == id) {
        tally.delete();
        keys.delete(key, record);
      }
    }
    leases.revoke(id);
    end();
  }

  /**
   * Notes what is left of leases. Those that are gone, or were granted anew since, are left as they
   * are.
   *
   * @return whether the proposer led the term of the entry; otherwise nothing is done
   */
  public boolean checkpointLeases(LogPosition at, LeaseCheckpoints checkpoints) {
    begin(at);
    if (checkpoints.getTerm() != at.term()) {
      return false;
    }
    for (LeaseCheckpoints.Checkpoint checkpoint : checkpoints.getCheckpointsList()) {
      StoredLease lease = leases.get(checkpoint.getId());
      if (lease != null && lease.grantedAt() == checkpoint.getGrantedAt()) {
        leases.checkpoint(lease, checkpoint.getRemainingSeconds());
      }
    }
    return true;
  }

  /** What became of leases so far, in order. */
  public List<LeaseChange> leaseChanges() {
    return leases.changes();
  }

  /** What {@link Keyspace#sizeBytes} would be with what this batch holds so far. */
  public long sizeBytes() {
    long inUse = keys.recordBytesAdded() - keyspace.recordBytesRemoved();
    return Math.max(keyspace.sizeBytes(), KeyspaceStats.EMPTY_STORE_BYTES + inUse);
  }

  /** Consumes an entry without effect on the keyspace. */
  public void skip(LogPosition at) {
    begin(at);
  }

  /** Keeps something of the group's owner beside the keyspace, in the same atomic write. */
  public void putMeta(String key, byte[] value) {
    requireOpen();
    writes.put(tables.meta(key), value);
  }

  /**
   * Writes everything in one LevelDB batch, not synced, and makes it visible. Ends this batch. If
   * the write fails nothing has changed, and the entries may be applied again in another batch.
   *
   * @return what the watchers must hear of, in order
   * @throws io.kvorum.persistence.leveldb.StorageException if the disk refuses
   */
  public List<RevisionEvents> commit() {
    requireOpen();
    try {
      keys.writeCurrent();
      leases.write(writes);
      long inUse = keys.recordBytesAdded() - keyspace.recordBytesRemoved();
      StoreState after =
          new StoreState(
              applied,
              keys.revision(),
              keys.compactedRevision(),
              keys.liveKeys(),
              keys.recordBytesAdded(),
              Math.max(before.peakRecordBytes(), inUse));
      writes.put(tables.state(StoreState.NAME), after.encode());
      writeChain();
      keys.close();
      keyspace.commit(this, writes, after, chain);
      keys.remember();
      leases.remember();
    } finally {
      close();
    }
    return revisions;
  }

  @Override
  public void close() {
    if (open) {
      open = false;
      keys.close();
      writes.close();
      keyspace.batchClosed(this);
    }
  }

  private void writeChain() {
    int made = revisions.size();
    if (made > 0) {
      writes.put(
          tables.state(ChainRow.NAME),
          ChainRow.encode(chainBefore.origin(), keys.revision(), chain[made - 1]));
    }
  }

  private void begin(LogPosition at) {
    requireOpen();
    if (at.index() <= applied.index()) {
      throw new IllegalArgumentException("entry " + at + " comes behind " + applied);
    }
    applied = at;
  }

  private void end() {
    tally.close();
    if (keys.hasChanges()) {
      link(keys.endRevision(applied.index(), revisions));
    }
  }

  private void link(long digestOfRevision) {
    int place = revisions.size() - 1;
    if (place == chain.length) {
      chain = Arrays.copyOf(chain, 2 * place);
    }
    chain[place] = (place == 0 ? chainBefore.hash() : chain[place - 1]) + digestOfRevision;
  }

  private void requireOpen() {
    if (!open) {
      throw new IllegalStateException("batch is closed");
    }
  }

  static ResponseHeader.Builder header(long revision) {
    return ResponseHeader.newBuilder().setRevision(revision);
  }
}
