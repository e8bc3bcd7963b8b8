package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbSnapshot;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One LevelDB snapshot for all readers of one state. It lives as long as it is the newest or a
 * reader has it, whichever is longer; each reader holds a handle of its own, so closing one twice
 * harms nobody else.
 */
final class SharedView {

  private final Store store;
  private final LevelDb db;
  private final Tables tables;
  private final StoreState state;
  private final LevelDbSnapshot snapshot;
  private final CommittedKeys keys;
  private final OperationTotals totals;
  private final LongAdder openHandles;

  /** Handles, and one for being the newest. At zero the snapshot goes. */
  private final AtomicInteger users = new AtomicInteger(1);

  /** While nobody writes to the store, and while it is the newest. */
  SharedView(Store store, Tables tables, OperationTotals totals, LongAdder openHandles) {
    if (!store.enter()) {
      throw new IllegalStateException("a view of a store that is gone");
    }
    this.store = store;
    this.db = store.db();
    this.tables = tables;
    this.state = store.state();
    this.snapshot = db.snapshot();
    this.keys = new CommittedKeys(db, tables, snapshot, state);
    this.totals = totals;
    this.openHandles = openHandles;
  }

  /** A handle for one reader, or null if the snapshot is gone. */
  @Nullable ReadView open() {
    return enter() ? new Handle() : null;
  }

  /** A handle for one who wants everything, or null if the snapshot is gone. */
  @Nullable KeyspaceExport export() {
    return enter()
        ? new KeyspaceExport(db, snapshot, tables, state, store.compactor().hashes(), this::leave)
        : null;
  }

  /** A handle for one who wants leases, or null if the snapshot is gone. */
  @Nullable LeaseView leases() {
    return enter() ? new Leases() : null;
  }

  private boolean enter() {
    if (users.getAndUpdate(n -> n == 0 ? 0 : n + 1) == 0) {
      return false;
    }
    openHandles.increment();
    return true;
  }

  private void leave() {
    openHandles.decrement();
    release();
  }

  void release() {
    if (users.decrementAndGet() == 0) {
      snapshot.close();
      store.leave();
    }
  }

  private final class Handle implements ReadView {

    private final AtomicBoolean closed = new AtomicBoolean();

    @Override
    public long currentRevision() {
      return keys.currentRevision();
    }

    @Override
    public long compactedRevision() {
      return keys.compactedRevision();
    }

    @Override
    public Outcome<RangeResponse.Builder> range(RangeRequest request, long maxBytes) {
      requireOpen();
      totals.ranges.increment();
      return RangeEvaluator.range(keys, request, new AnswerAllowance(maxBytes));
    }

    @Override
    public Outcome<RangeWalk> walk(RangeRequest request) {
      requireOpen();
      totals.ranges.increment();
      return RangeEvaluator.walk(keys, request);
    }

    @Override
    public Outcome<RangeWalk> walkOn(RangeRequest request, RangePosition from) {
      requireOpen();
      return from.revision() < keys.compactedRevision()
          ? Outcome.refused(EtcdError.COMPACTED)
          : Outcome.ok(new KeysWalk(keys, request, from));
    }

    @Override
    public Outcome<TxnResponse.Builder> readOnlyTxn(TxnRequest request, long maxBytes) {
      requireOpen();
      return TxnEvaluator.readOnly(keys, request, totals, new AnswerAllowance(maxBytes));
    }

    @Override
    public Outcome<History> history(long fromRevision, int maxRevisions, long maxBytes) {
      requireOpen();
      if (fromRevision < keys.compactedRevision()) {
        return Outcome.refused(EtcdError.COMPACTED);
      }
      return Outcome.ok(
          HistoryReader.read(
              db, tables, snapshot, keys.currentRevision(), fromRevision, maxRevisions, maxBytes));
    }

    @Override
    public @Nullable KeyValue get(ByteString key, long revision) {
      requireOpen();
      if (revision > 0 && revision < keys.compactedRevision()) {
        return null;
      }
      return keys.get(key.toByteArray(), revision);
    }

    private void requireOpen() {
      if (closed.get()) {
        throw new IllegalStateException("view is closed");
      }
    }

    @Override
    public void close() {
      if (closed.compareAndSet(false, true)) {
        leave();
      }
    }
  }

  private final class Leases implements LeaseView {
    private final LeaseRows rows = new LeaseRows(db, tables, snapshot);
    private final AtomicBoolean closed = new AtomicBoolean();

    @Override
    public LogPosition applied() {
      return state.applied();
    }

    @Override
    public @Nullable StoredLease get(long id) {
      return open().get(id);
    }

    @Override
    public void forEach(Consumer<StoredLease> sink) {
      open().forEach(sink);
    }

    @Override
    public List<ByteString> keys(long id) {
      List<ByteString> keys = new ArrayList<>();
      open().forEachKey(id, keys::add);
      return keys;
    }

    private LeaseRows open() {
      if (closed.get()) {
        throw new IllegalStateException("view is closed");
      }
      return rows;
    }

    @Override
    public void close() {
      if (closed.compareAndSet(false, true)) {
        leave();
      }
    }
  }
}
