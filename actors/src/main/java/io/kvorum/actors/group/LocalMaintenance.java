package io.kvorum.actors.group;

import io.kvorum.persistence.mvcc.KeyValueHash;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceExport;
import io.kvorum.persistence.snapshot.SnapshotFile;
import io.kvorum.protocol.Outcome;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.apache.pekko.Done;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.ActorAttributes;
import org.apache.pekko.stream.javadsl.Source;

/** Maintenance of this member's keyspace, on threads of its own. */
final class LocalMaintenance implements Maintenance {
  /** Its threads; each kind of work takes one at most. */
  static final String DISPATCHER = "kvorum.maintenance-dispatcher";

  private static final int MAX_WAITING = 16;

  /** Snapshots under way; each keeps what it sees from being dropped. */
  private static final int MAX_SNAPSHOTS = 8;

  /** As large as etcd's. */
  private static final int PIECE_BYTES = 32 * 1024;

  /** Pieces read ahead of a client. */
  private static final int PIECES_AHEAD = 4;

  private final Keyspace keyspace;
  private final long clusterId;
  private final OneAtATime hashes;
  private final OneAtATime defragmentations;
  private final AtomicInteger snapshots = new AtomicInteger();

  LocalMaintenance(Keyspace keyspace, long clusterId, Executor executor) {
    this.keyspace = keyspace;
    this.clusterId = clusterId;
    this.hashes = new OneAtATime(executor, MAX_WAITING);
    this.defragmentations = new OneAtATime(executor, MAX_WAITING);
  }

  @Override
  public CompletionStage<Outcome<Hashed<KeyValueHash>>> hashOfRecords(long revision) {
    return hashed(export -> export.hash(revision));
  }

  @Override
  public List<KeyValueHash> compactionHashes() {
    return keyspace.compactionHashes();
  }

  @Override
  public CompletionStage<Outcome<Hashed<Integer>>> hashOfAll() {
    return hashed(export -> Outcome.ok(export.hashOfAllRows()));
  }

  private <T> CompletionStage<Outcome<Hashed<T>>> hashed(
      Function<KeyspaceExport, Outcome<T>> hashing) {
    return hashes.run(
        () -> {
          try (KeyspaceExport export = keyspace.export()) {
            return hashing.apply(export).map(hash -> new Hashed<>(hash, export.currentRevision()));
          }
        });
  }

  @Override
  public CompletionStage<Outcome<Done>> defragment() {
    return defragmentations.run(
        () -> {
          keyspace.defragment();
          return Outcome.ok(Done.getInstance());
        });
  }

  @Override
  public Source<SnapshotPiece, NotUsed> snapshot() {
    return Source.unfoldResource(
            this::open,
            file ->
                Optional.ofNullable(file.next())
                    .map(piece -> new SnapshotPiece(piece.bytes(), piece.remainingBytes())),
            this::close)
        .withAttributes(ActorAttributes.dispatcher(DISPATCHER))
        .async(DISPATCHER, PIECES_AHEAD);
  }

  private SnapshotFile open() {
    if (snapshots.incrementAndGet() > MAX_SNAPSHOTS) {
      snapshots.decrementAndGet();
      throw new RejectedExecutionException(MAX_SNAPSHOTS + " snapshots are under way");
    }
    boolean opened = false;
    try {
      SnapshotFile file = SnapshotFile.open(keyspace.export(), clusterId, PIECE_BYTES);
      opened = true;
      return file;
    } finally {
      if (!opened) {
        snapshots.decrementAndGet();
      }
    }
  }

  private void close(SnapshotFile file) {
    snapshots.decrementAndGet();
    file.close();
  }
}
