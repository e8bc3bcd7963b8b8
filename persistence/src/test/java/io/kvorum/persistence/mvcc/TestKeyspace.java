package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.leveldb.LevelDbOptions;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.CompactionRequest;
import io.kvorum.protocol.etcdserverpb.CompactionResponse;
import io.kvorum.protocol.etcdserverpb.DeleteRangeRequest;
import io.kvorum.protocol.etcdserverpb.DeleteRangeResponse;
import io.kvorum.protocol.etcdserverpb.LeaseGrantRequest;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeRequest;
import io.kvorum.protocol.etcdserverpb.LeaseRevokeResponse;
import io.kvorum.protocol.etcdserverpb.PutRequest;
import io.kvorum.protocol.etcdserverpb.PutResponse;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A keyspace to which single requests are applied, each as a log entry and a batch of its own. */
final class TestKeyspace implements AutoCloseable {

  /** Leases that {@link #put} grants before it names them. */
  static final long LEASE = 7;

  static final long OTHER_LEASE = -2;

  static final KeyspaceOptions OPTIONS =
      KeyspaceOptions.defaults()
          .withStorage(LevelDbOptions.defaults().withMinFreeBytes(0))
          .withCompaction(2, Duration.ZERO);

  private final Path directory;
  private final KeyspaceOptions options;
  final List<RevisionEvents> events = new ArrayList<>();
  Keyspace keyspace;

  TestKeyspace(Path directory) {
    this(directory, OPTIONS);
  }

  TestKeyspace(Path directory, KeyspaceOptions options) {
    this.directory = directory;
    this.options = options;
    this.keyspace = Keyspace.open(directory, GroupId.DEFAULT, options);
  }

  void grant(long lease, long ttlSeconds) {
    LeaseGrantRequest request =
        LeaseGrantRequest.newBuilder().setID(lease).setTTL(ttlSeconds).build();
    apply(batch -> Requests.ok(batch.grantLease(next(), request)));
  }

  Outcome<LeaseRevokeResponse.Builder> tryRevoke(long lease) {
    LeaseRevokeRequest request = LeaseRevokeRequest.newBuilder().setID(lease).build();
    return apply(batch -> batch.revokeLease(next(), request));
  }

  /** The keys of a lease. */
  List<String> keysOf(long lease) {
    try (LeaseView view = keyspace.leases()) {
      return view.keys(lease).stream().map(ByteString::toStringUtf8).toList();
    }
  }

  @Nullable StoredLease lease(long id) {
    try (LeaseView view = keyspace.leases()) {
      return view.get(id);
    }
  }

  /** Where the LevelDB of a keyspace lies that is not open. */
  static Path levelDb(Path directory) {
    try (KeyspaceDirectory held = KeyspaceDirectory.open(directory)) {
      return held.current();
    }
  }

  void reopen() {
    keyspace.close();
    keyspace = Keyspace.open(directory, GroupId.DEFAULT, options);
  }

  /** The records that are left on the disk, read while the keyspace is closed. */
  List<StoredRecords.Stored> storedRecords() {
    keyspace.close();
    try {
      return StoredRecords.in(directory);
    } finally {
      keyspace = Keyspace.open(directory, GroupId.DEFAULT, options);
    }
  }

  LogPosition next() {
    return new LogPosition(keyspace.applied().index() + 1, 1);
  }

  <T> T apply(Function<ApplyBatch, T> entry) {
    try (ApplyBatch batch = keyspace.beginBatch()) {
      T result = entry.apply(batch);
      events.addAll(batch.commit());
      return result;
    }
  }

  Outcome<PutResponse.Builder> tryPut(PutRequest.Builder request) {
    return apply(batch -> batch.put(next(), request.build()));
  }

  PutResponse.Builder put(PutRequest.Builder request) {
    long lease = request.getLease();
    if ((lease == LEASE || lease == OTHER_LEASE) && lease(lease) == null) {
      grant(lease, 60);
    }
    return Requests.ok(tryPut(request));
  }

  PutResponse.Builder put(String key, String value) {
    return put(Requests.put(key, value));
  }

  DeleteRangeResponse.Builder delete(DeleteRangeRequest.Builder request) {
    return Requests.ok(apply(batch -> batch.deleteRange(next(), request.build())));
  }

  Outcome<TxnResponse.Builder> tryTxn(TxnRequest.Builder request) {
    return apply(batch -> batch.txn(next(), request.build()));
  }

  TxnResponse.Builder txn(TxnRequest.Builder request) {
    return Requests.ok(tryTxn(request));
  }

  Outcome<CompactionResponse.Builder> tryCompact(long revision) {
    return apply(
        batch ->
            batch.compact(next(), CompactionRequest.newBuilder().setRevision(revision).build()));
  }

  void compact(long revision) {
    Requests.ok(tryCompact(revision));
  }

  /** Compacts and waits for the physical half. */
  void compactFully(long revision) throws Exception {
    compact(revision);
    awaitCompaction();
  }

  void awaitCompaction() throws Exception {
    keyspace.physicalCompaction().toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  Outcome<RangeResponse.Builder> tryRange(RangeRequest.Builder request) {
    return read(view -> view.range(request.build()));
  }

  RangeResponse.Builder range(RangeRequest.Builder request) {
    return Requests.ok(tryRange(request));
  }

  <T> T read(Function<ReadView, T> read) {
    try (ReadView view = keyspace.view()) {
      return read.apply(view);
    }
  }

  History history(long from) {
    return read(view -> Requests.ok(view.history(from, Integer.MAX_VALUE, Long.MAX_VALUE)));
  }

  /** All events from a revision on, such as {@code 2: PUT a=1}. */
  List<String> historyText(long from) {
    return eventText(history(from).revisions());
  }

  static List<String> eventText(List<RevisionEvents> revisions) {
    return revisions.stream()
        .flatMap(
            revision ->
                revision.events().stream()
                    .map(
                        event ->
                            "%d: %s %s=%s"
                                .formatted(
                                    revision.revision(),
                                    event.getType(),
                                    event.getKv().getKey().toStringUtf8(),
                                    event.getKv().getValue().toStringUtf8())))
        .toList();
  }

  @Override
  public void close() {
    keyspace.close();
  }
}
