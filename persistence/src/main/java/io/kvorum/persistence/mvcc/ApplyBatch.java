package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
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
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

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
  private final CommittedKeys committed;
  private final KeyHeads heads;
  private final LevelDb.Batch writes;
  private final OperationTotals.Tally tally;
  private final RevisionDigest digest = new RevisionDigest();
  private final RevisionChain.Head chainBefore;

  /** Changed keys in key order. */
  private final NavigableMap<byte[], KeyChanges> changed = new TreeMap<>(Arrays::compareUnsigned);

  private final LeaseChanges leases;
  private final List<RevisionEvents> revisions = new ArrayList<>();
  private final WritingKeys keys = new WritingKeys();

  private LogPosition applied;
  private long revision;
  private long compactedRevision;
  private long liveKeys;
  private long recordBytesAdded;

  /** The rolling hash at each new revision. */
  private long[] chain = new long[4];

  /** Changes of the entry at hand; its place in this list is a change's sub revision. */
  private List<Event> entryEvents = new ArrayList<>();

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
    this.committed = new CommittedKeys(db, tables, null, before);
    this.heads = heads;
    this.leases = new LeaseChanges(tables, new LeaseRows(db, tables, null), knownLeases);
    this.writes = db.batch();
    this.tally = new OperationTotals.Tally(totals);
    this.applied = before.applied();
    this.revision = before.revision();
    this.compactedRevision = before.compactedRevision();
    this.liveKeys = before.liveKeys();
    this.recordBytesAdded = before.recordBytesAdded();
  }

  /** KV.Put, after the checks that need no state. */
  public Outcome<PutResponse.Builder> put(LogPosition at, PutRequest request) {
    begin(at);
    if (request.getLease() != 0 && !leases.exists(request.getLease())) {
      return Outcome.refused(EtcdError.LEASE_NOT_FOUND);
    }
    byte[] key = request.getKey().toByteArray();
    Previous previous = keys.previous(key, request);
    if (previous.record() == null && (request.getIgnoreValue() || request.getIgnoreLease())) {
      return Outcome.refused(EtcdError.KEY_NOT_FOUND);
    }
    PutResponse.Builder response = put(key, request, previous);
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
    if (request.getRevision() <= compactedRevision) {
      return Outcome.refused(EtcdError.COMPACTED);
    }
    if (request.getRevision() > revision) {
      return Outcome.refused(EtcdError.FUTURE_REV);
    }
    compactedRevision = request.getRevision();
    return Outcome.ok(CompactionResponse.newBuilder().setHeader(header(revision)));
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
            .setHeader(header(revision))
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
    return Outcome.ok(LeaseRevokeResponse.newBuilder().setHeader(header(revision)));
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
        delete(key, record);
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
    long inUse = recordBytesAdded - keyspace.recordBytesRemoved();
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
      changed.forEach(this::writeCurrent);
      leases.write(writes);
      long inUse = recordBytesAdded - keyspace.recordBytesRemoved();
      StoreState after =
          new StoreState(
              applied,
              revision,
              compactedRevision,
              liveKeys,
              recordBytesAdded,
              Math.max(before.peakRecordBytes(), inUse));
      writes.put(tables.state(StoreState.NAME), after.encode());
      writeChain();
      committed.close();
      keyspace.commit(this, writes, after, chain);
      changed.forEach(this::remember);
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
      committed.close();
      writes.close();
      keyspace.batchClosed(this);
    }
  }

  /**
   * Only the newest record of a key goes to the current table, however often the batch changed it.
   */
  private void writeCurrent(byte[] key, KeyChanges changes) {
    byte[] value = changes.currentValue();
    if (value == null) {
      writes.delete(tables.current(key));
    } else {
      writes.put(tables.current(key), value);
    }
  }

  private void writeChain() {
    int made = revisions.size();
    if (made > 0) {
      writes.put(
          tables.state(ChainRow.NAME),
          ChainRow.encode(chainBefore.origin(), revision, chain[made - 1]));
    }
  }

  private void remember(byte[] key, KeyChanges changes) {
    KeyChanges.Version newest = changes.at(Long.MAX_VALUE);
    KeyValue record = newest == null ? null : newest.record();
    if (record == null) {
      heads.remove(key);
    } else {
      heads.put(key, record);
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
    if (!entryEvents.isEmpty()) {
      revision++;
      link(digest.finish(revision, applied.index(), compactedRevision));
      revisions.add(new RevisionEvents(revision, entryEvents));
      entryEvents = new ArrayList<>();
    }
  }

  private void link(long digestOfRevision) {
    int made = revisions.size();
    if (made == chain.length) {
      chain = Arrays.copyOf(chain, 2 * made);
    }
    chain[made] = (made == 0 ? chainBefore.hash() : chain[made - 1]) + digestOfRevision;
  }

  private void requireOpen() {
    if (!open) {
      throw new IllegalStateException("batch is closed");
    }
  }

  private static ResponseHeader.Builder header(long revision) {
    return ResponseHeader.newBuilder().setRevision(revision);
  }

  /**
   * What a put replaces.
   *
   * @param record null if the key does not live
   * @param whole whether the value is known too
   */
  private record Previous(@Nullable KeyValue record, boolean whole) {}

  private PutResponse.Builder put(byte[] key, PutRequest request, Previous replaced) {
    KeyValue previous = replaced.record();
    boolean readsPrevious =
        request.getIgnoreValue() || request.getIgnoreLease() || request.getPrevKv();
    if (readsPrevious) {
      tally.range();
    }
    KeyValue.Builder record =
        KeyValue.newBuilder()
            .setKey(request.getKey())
            .setModRevision(revision + 1)
            .setValue(request.getValue())
            .setLease(request.getLease());
    if (previous == null) {
      record.setCreateRevision(revision + 1).setVersion(1);
      liveKeys++;
    } else {
      record.setCreateRevision(previous.getCreateRevision()).setVersion(previous.getVersion() + 1);
      if (request.getIgnoreValue()) {
        record.setValue(previous.getValue());
      }
      if (request.getIgnoreLease()) {
        record.setLease(previous.getLease());
      }
    }
    KeyValue stored = record.build();
    tally.put((long) key.length + stored.getValue().size());
    leases.moved(key, previous == null ? 0 : previous.getLease(), stored.getLease());
    store(key, stored, replaced);
    PutResponse.Builder response = PutResponse.newBuilder().setHeader(header(revision + 1));
    if (request.getPrevKv() && previous != null) {
      response.setPrevKv(previous);
    }
    return response;
  }

  private void store(byte[] key, KeyValue record, Previous replaced) {
    byte[] encoded = RecordCodec.encode(record);
    KeyValue previous = replaced.record();
    digest.put(
        encoded,
        previous == null ? 0 : previous.getModRevision(),
        previous == null ? 0 : previous.getLease());
    changesOf(key).put(revision + 1, entryEvents.size(), record, encoded);
    writeVersion(key, encoded, false);
    Event.Builder event = Event.newBuilder().setType(Event.EventType.PUT).setKv(record);
    if (previous != null && replaced.whole()) {
      event.setPrevKv(previous);
    }
    entryEvents.add(event.build());
  }

  private void delete(byte[] key, KeyValue previous) {
    ByteString name = previous.getKey();
    leases.moved(key, previous.getLease(), 0);
    byte[] tombstone = RecordCodec.encodeTombstone(name);
    digest.delete(
        tombstone,
        previous.getCreateRevision(),
        previous.getModRevision(),
        previous.getVersion(),
        previous.getLease(),
        previous.getValue());
    writeVersion(key, tombstone, true);
    changesOf(key).delete(revision + 1);
    liveKeys--;
    entryEvents.add(
        Event.newBuilder()
            .setType(Event.EventType.DELETE)
            .setKv(KeyValue.newBuilder().setKey(name).setModRevision(revision + 1))
            .setPrevKv(previous)
            .build());
  }

  private void writeVersion(byte[] key, byte[] record, boolean tombstone) {
    long main = revision + 1;
    long sub = entryEvents.size();
    int bytes = Tables.storedKeyBytes(tombstone) + record.length;
    writes.put(tables.version(key, main, sub, tombstone), RecordCodec.encodeSize(bytes));
    writes.put(tables.revision(main, sub, tombstone), record);
    recordBytesAdded += bytes;
  }

  private KeyChanges changesOf(byte[] key) {
    return changed.computeIfAbsent(key, k -> new KeyChanges());
  }

  /** The committed keyspace under the changes of this batch. */
  private final class WritingKeys implements Keys, TxnEvaluator.Changes {

    @Override
    public long currentRevision() {
      return entryEvents.isEmpty() ? revision : revision + 1;
    }

    @Override
    public long compactedRevision() {
      return compactedRevision;
    }

    @Override
    public long liveKeys() {
      return liveKeys;
    }

    @Override
    public @Nullable KeyValue get(byte[] key, long at) {
      KeyChanges changes = changed.get(key);
      KeyChanges.Version version = changes == null ? null : changes.at(upTo(at));
      return version == null ? committed.get(key, at) : version.record();
    }

    @Override
    public Scan scan(Interval interval, long at) {
      Scan base = committed.scan(interval, at);
      Iterator<Map.Entry<byte[], KeyChanges>> within = changesWithin(interval);
      return within.hasNext() ? new OverlaidScan(base, within, upTo(at)) : base;
    }

    @Override
    public PutResponse.Builder put(PutRequest request) {
      byte[] key = request.getKey().toByteArray();
      return ApplyBatch.this.put(key, request, previous(key, request));
    }

    /** Reads the keyspace only where the value is of use, or nothing is known of the key. */
    private Previous previous(byte[] key, PutRequest request) {
      boolean whole =
          request.getIgnoreValue() || request.getPrevKv() || keyspace.tellsPreviousValues();
      if (!whole && !changed.containsKey(key)) {
        KeyValue head = heads.get(key, request.getKey());
        if (head != null) {
          return new Previous(head, false);
        }
      }
      return new Previous(get(key, NEWEST), true);
    }

    @Override
    public DeleteRangeResponse.Builder deleteRange(DeleteRangeRequest request) {
      tally.delete();
      if (request.getPrevKv()) {
        tally.range();
      }
      List<KeyValue> found = found(Interval.of(request.getKey(), request.getRangeEnd()));
      for (KeyValue record : found) {
        delete(record.getKey().toByteArray(), record);
      }
      DeleteRangeResponse.Builder response =
          DeleteRangeResponse.newBuilder()
              .setHeader(header(currentRevision()))
              .setDeleted(found.size());
      if (request.getPrevKv()) {
        response.addAllPrevKvs(found);
      }
      return response;
    }

    /**
     * Everything is read before anything is deleted: the scan stands on what the deletes change.
     */
    private List<KeyValue> found(Interval interval) {
      List<KeyValue> found = new ArrayList<>(1);
      if (interval.isSingleKey()) {
        KeyValue record = get(interval.from(), NEWEST);
        if (record != null) {
          found.add(record);
        }
      } else if (!interval.isEmpty()) {
        try (Scan scan = scan(interval, NEWEST)) {
          while (scan.advance()) {
            found.add(scan.record());
          }
        }
      }
      return found;
    }

    private Iterator<Map.Entry<byte[], KeyChanges>> changesWithin(Interval interval) {
      byte[] to = interval.to();
      NavigableMap<byte[], KeyChanges> within =
          to == null
              ? changed.tailMap(interval.from(), true)
              : changed.subMap(interval.from(), true, to, false);
      return within.entrySet().iterator();
    }

    private long upTo(long at) {
      return at <= NEWEST ? Long.MAX_VALUE : at;
    }
  }
}
