package io.kvorum.actors.group;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.mvcc.KeyValueHash;
import io.kvorum.protocol.Outcome;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/**
 * Work on the whole of this member's own store, without asking the others. All of it is long, and
 * none of it delays reads and writes.
 */
public interface Maintenance {

  /**
   * What a hash is of.
   *
   * @param currentRevision when it was taken
   */
  record Hashed<T>(T hash, long currentRevision) {}

  /**
   * A piece of a snapshot's file.
   *
   * @param remainingBytes that come behind it, the checksum at the end not counted
   */
  record SnapshotPiece(ByteString bytes, long remainingBytes) {}

  /**
   * etcd's HashKV; one at a time, and refused when too many wait.
   *
   * @param revision 0 for the current one
   */
  CompletionStage<Outcome<Hashed<KeyValueHash>>> hashOfRecords(long revision);

  /**
   * What this member remembers to have hashed while it compacted, as etcd: at most ten, of its
   * present life, ascending by revision. Costs nothing.
   */
  List<KeyValueHash> compactionHashes();

  /** A CRC-32C over everything that is stored; one at a time, and refused when too many wait. */
  CompletionStage<Outcome<Hashed<Integer>>> hashOfAll();

  /** Gives space of removed records back to the file system; one at a time. */
  CompletionStage<Outcome<Done>> defragment();

  /**
   * Everything that is stored at one moment, as a file: see {@link
   * io.kvorum.persistence.snapshot.SnapshotFile}. Read as fast as it is asked for. Fails with
   * {@code RejectedExecutionException} where too many are under way.
   */
  Source<SnapshotPiece, NotUsed> snapshot();
}
