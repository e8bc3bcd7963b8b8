package io.kvorum.persistence.snapshot;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.mvcc.KeyspaceStaging;
import io.kvorum.persistence.snapshot.SnapshotRows.Sink;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import java.nio.ByteBuffer;
import java.security.MessageDigest;

/**
 * Makes a keyspace out of a snapshot's chunks, beside the one in force. Chunks may come twice, out
 * of turn or damaged: only the next one in order, intact, is taken. Holds no more in memory than
 * the row at hand. One thread; blocks on the disk.
 */
public final class SnapshotWriter implements AutoCloseable {

  /** What became of a chunk. */
  public enum Verdict {
    /** It was the next one, and is written. */
    WRITTEN,
    /** It was written before. */
    DUPLICATE,
    /** Others are missing before it. */
    GAP,
    /** It is not what was sent. */
    DAMAGED
  }

  private final KeyspaceStaging staging;
  private final GroupId group;
  private final long clusterId;
  private final LogPosition at;
  private final MessageDigest digest = SnapshotReader.sha256();
  private final SnapshotRows rows;
  private long nextChunk;
  private boolean handedOver;

  /**
   * Takes over the staging.
   *
   * @param clusterId of the cluster that this member belongs to
   * @param at where the snapshot must end
   */
  public SnapshotWriter(KeyspaceStaging staging, GroupId group, long clusterId, LogPosition at) {
    this.staging = staging;
    this.group = group;
    this.clusterId = clusterId;
    this.at = at;
    this.rows = new SnapshotRows(new StagingSink());
  }

  /** The chunk that is due; all before it are written. */
  public long nextChunk() {
    return nextChunk;
  }

  /**
   * @throws SnapshotException if what arrived is no snapshot that can be used here
   * @throws io.kvorum.persistence.leveldb.StorageException if the disk takes no writes
   */
  public Verdict write(SnapshotChunk chunk) {
    if (chunk.number() < nextChunk) {
      return Verdict.DUPLICATE;
    }
    if (chunk.number() > nextChunk) {
      return Verdict.GAP;
    }
    if (!chunk.isIntact()) {
      return Verdict.DAMAGED;
    }
    for (ByteBuffer part : chunk.bytes().asReadOnlyByteBufferList()) {
      digest.update(part.duplicate());
      rows.accept(part);
    }
    nextChunk++;
    return Verdict.WRITTEN;
  }

  /**
   * Checks that everything has come, and makes it durable. The result is the caller's, to install
   * or to close.
   *
   * @throws SnapshotException if it is not what was sent
   */
  public KeyspaceStaging finish(SnapshotTrailer trailer) {
    if (trailer.chunks() != nextChunk) {
      throw new SnapshotException(
          "the snapshot has " + trailer.chunks() + " chunks, of which " + nextChunk + " are here");
    }
    if (!rows.ended()) {
      throw new SnapshotException("the snapshot ends in the middle of its rows");
    }
    if (!trailer.sha256().equals(ByteString.copyFrom(digest.digest()))) {
      throw new SnapshotException("the snapshot's SHA-256 does not match its content");
    }
    try {
      staging.seal(at);
    } catch (IllegalArgumentException e) {
      throw new SnapshotException("the snapshot is not usable: " + e.getMessage(), e);
    }
    handedOver = true;
    return staging;
  }

  /** Removes what was written, unless it was finished. */
  @Override
  public void close() {
    if (!handedOver) {
      staging.close();
    }
  }

  private final class StagingSink implements Sink {
    @Override
    public void header(SnapshotHeader header) {
      if (!header.group().equals(group) || header.clusterId() != clusterId) {
        throw new SnapshotException(
            "the snapshot is of group %d of cluster %x, not of group %d of cluster %x"
                .formatted(header.group().value(), header.clusterId(), group.value(), clusterId));
      }
      if (!header.at().equals(at)) {
        throw new SnapshotException("the snapshot ends at " + header.at() + ", not at " + at);
      }
    }

    @Override
    public void row(byte[] key, byte[] value) {
      try {
        staging.put(key, value);
      } catch (IllegalArgumentException e) {
        throw new SnapshotException("the snapshot is not usable: " + e.getMessage(), e);
      }
    }
  }
}
