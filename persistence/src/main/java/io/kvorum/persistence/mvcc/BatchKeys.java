package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.DeleteRangeResponse;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.PutResponse;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The committed keyspace under the changes of a batch, and where they are made: each writes the
 * rows of its version, shows at once to who reads here, and becomes an event of the entry at hand.
 * One thread.
 */
final class BatchKeys implements Keys, TxnEvaluator.Changes {
  private final Tables tables;
  private final CommittedKeys committed;
  private final KeyHeads heads;
  private final LeaseChanges leases;
  private final BooleanSupplier tellsPreviousValues;
  private final LevelDb.Batch writes;
  private final OperationTotals.Tally tally;
  private final RevisionDigest digest = new RevisionDigest();

  /** Changed keys in key order. */
  private final NavigableMap<byte[], KeyChanges> changed = new TreeMap<>(Arrays::compareUnsigned);

  private long revision;
  private long compactedRevision;
  private long liveKeys;
  private long recordBytesAdded;

  /** Changes of the entry at hand; its place in this list is a change's sub revision. */
  private List<Event> entryEvents = new ArrayList<>();

  BatchKeys(
      LevelDb db,
      Tables tables,
      StoreState before,
      KeyHeads heads,
      LeaseChanges leases,
      BooleanSupplier tellsPreviousValues,
      LevelDb.Batch writes,
      OperationTotals.Tally tally) {
    this.tables = tables;
    this.committed = new CommittedKeys(db, tables, null, before);
    this.heads = heads;
    this.leases = leases;
    this.tellsPreviousValues = tellsPreviousValues;
    this.writes = writes;
    this.tally = tally;
    this.revision = before.revision();
    this.compactedRevision = before.compactedRevision();
    this.liveKeys = before.liveKeys();
    this.recordBytesAdded = before.recordBytesAdded();
  }

  /** Without the changes of the entry at hand. */
  long revision() {
    return revision;
  }

  void compact(long at) {
    compactedRevision = at;
  }

  long recordBytesAdded() {
    return recordBytesAdded;
  }

  boolean hasChanges() {
    return !entryEvents.isEmpty();
  }

  /** Ends the entry at hand, which has changes: they are a revision now. Returns its digest. */
  long endRevision(long index, List<RevisionEvents> revisions) {
    revision++;
    revisions.add(new RevisionEvents(revision, entryEvents));
    entryEvents = new ArrayList<>();
    return digest.finish(revision, index, compactedRevision);
  }

  /**
   * Only the newest record of a key goes to the current table, however often the batch changed it.
   */
  void writeCurrent() {
    changed.forEach(
        (key, changes) -> {
          byte[] value = changes.currentValue();
          if (value == null) {
            writes.delete(tables.current(key));
          } else {
            writes.put(tables.current(key), value);
          }
        });
  }

  /** The batch is committed. */
  void remember() {
    changed.forEach(
        (key, changes) -> {
          KeyChanges.Version newest = changes.at(Long.MAX_VALUE);
          KeyValue record = newest == null ? null : newest.record();
          if (record == null) {
            heads.remove(key);
          } else {
            heads.put(key, record);
          }
        });
  }

  /** Ends what is open of the committed keyspace. May be called again. */
  void close() {
    committed.close();
  }

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
    return put(key, request, previous(key, request));
  }

  /** Reads the keyspace only where the value is of use, or nothing is known of the key. */
  Previous previous(byte[] key, PutRequest request) {
    boolean whole =
        request.getIgnoreValue() || request.getPrevKv() || tellsPreviousValues.getAsBoolean();
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
            .setHeader(ApplyBatch.header(currentRevision()))
            .setDeleted(found.size());
    if (request.getPrevKv()) {
      response.addAllPrevKvs(found);
    }
    return response;
  }

  /** Everything is read before anything is deleted: the scan stands on what the deletes change. */
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

  /**
   * What a put replaces.
   *
   * @param record null if the key does not live
   * @param whole whether the value is known too
   */
  record Previous(@Nullable KeyValue record, boolean whole) {}

  PutResponse.Builder put(byte[] key, PutRequest request, Previous replaced) {
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
    PutResponse.Builder response =
        PutResponse.newBuilder().setHeader(ApplyBatch.header(revision + 1));
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

  /** Deletes a live key with this record. */
  void delete(byte[] key, KeyValue previous) {
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
}
