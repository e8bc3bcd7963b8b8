package io.kvorum.persistence.snapshot;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.mvcc.KeyspaceExport;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/**
 * A snapshot as a file, as clients save it: the stream that members send each other (its form is in
 * {@link SnapshotHeader}), zero bytes up to the next multiple of 512, and the SHA-256 of all that.
 * Clients of etcd check such a file by its length, which is 32 bytes above a multiple of 512, and
 * by the checksum at its end.
 *
 * <p>How long it will be is told before its first byte, so the rows are read twice. Holds no more
 * in memory than a piece and the row that it ends in. One thread at a time; blocks on the disk.
 */
public final class SnapshotFile implements AutoCloseable {

  static final int BLOCK_BYTES = 512;

  private final SnapshotReader reader;
  private final int pieceBytes;
  private final MessageDigest digest = SnapshotReader.sha256();
  private long remainingBytes;
  private boolean ended;

  /**
   * The next bytes of the file.
   *
   * @param remainingBytes that come behind them, without the checksum
   */
  public record Piece(ByteString bytes, long remainingBytes) {}

  private SnapshotFile(SnapshotReader reader, int pieceBytes, long streamBytes) {
    this.reader = reader;
    this.pieceBytes = pieceBytes;
    this.remainingBytes = Math.ceilDiv(streamBytes, BLOCK_BYTES) * BLOCK_BYTES;
  }

  /**
   * Takes over the export, and reads it once.
   *
   * @param clusterId of the cluster whose state it is
   * @param pieceBytes size of every piece but the last of the content; a multiple of 512
   */
  public static SnapshotFile open(KeyspaceExport export, long clusterId, int pieceBytes) {
    if (pieceBytes % BLOCK_BYTES != 0) {
      throw new IllegalArgumentException("pieces of " + pieceBytes + " bytes");
    }
    SnapshotReader reader = new SnapshotReader(export, clusterId, pieceBytes);
    boolean opened = false;
    try {
      SnapshotFile file = new SnapshotFile(reader, pieceBytes, SnapshotReader.streamBytes(export));
      opened = true;
      return file;
    } finally {
      if (!opened) {
        reader.close();
      }
    }
  }

  /** What comes next; the last is the checksum, and null is behind it. */
  public @Nullable Piece next() {
    if (ended) {
      return null;
    }
    SnapshotChunk chunk = reader.next();
    if (chunk == null) {
      if (remainingBytes != 0) {
        throw new IllegalStateException(
            "the snapshot at " + reader.header().at() + " ends " + remainingBytes + " bytes early");
      }
      ended = true;
      return new Piece(ByteString.copyFrom(digest.digest()), 0);
    }
    ByteString bytes = chunk.bytes();
    if (bytes.size() < pieceBytes) {
      int whole = Math.ceilDiv(bytes.size(), BLOCK_BYTES) * BLOCK_BYTES;
      bytes = bytes.concat(ByteString.copyFrom(new byte[whole - bytes.size()]));
    }
    bytes.asReadOnlyByteBufferList().forEach(digest::update);
    remainingBytes -= bytes.size();
    return new Piece(bytes, remainingBytes);
  }

  @Override
  public void close() {
    reader.close();
  }
}
