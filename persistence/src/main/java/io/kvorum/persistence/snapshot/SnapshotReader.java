package io.kvorum.persistence.snapshot;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.UnsafeByteOperations;
import io.kvorum.persistence.mvcc.KeyspaceExport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.jspecify.annotations.Nullable;

/**
 * Gives one consistent view of a keyspace as a stream of chunks. Holds no more in memory than the
 * chunk at hand and the row that it ends in. One thread; blocks on the disk.
 */
public final class SnapshotReader implements AutoCloseable {

  /** Two lengths of zero, and the number of rows. */
  private static final int END_BYTES = 2 + Long.BYTES;

  private final KeyspaceExport export;
  private final SnapshotHeader header;
  private final int chunkBytes;
  private KeyspaceExport.Rows rows;
  private MessageDigest digest = sha256();
  private long nextChunk;
  private long rowCount;

  /** What comes next in the stream: the header, a row, or the end; and how much of it was given. */
  private byte[] piece;

  private int pieceGiven;
  private boolean rowsEnded;
  private @Nullable SnapshotTrailer trailer;

  /**
   * Takes over the export.
   *
   * @param clusterId of the group's cluster, for the header
   * @param chunkBytes size of every chunk but the last
   */
  public SnapshotReader(KeyspaceExport export, long clusterId, int chunkBytes) {
    this.export = export;
    this.chunkBytes = chunkBytes;
    this.header =
        new SnapshotHeader(
            export.group(),
            clusterId,
            export.position(),
            export.currentRevision(),
            export.compactedRevision());
    this.rows = export.rows();
    this.piece = header.encode();
  }

  public SnapshotHeader header() {
    return header;
  }

  /** About what it will take on the disk of who receives it. */
  public long estimatedBytes() {
    return export.approximateBytes();
  }

  /** How long the stream of an export is, to the byte; reads all of it. */
  static long streamBytes(KeyspaceExport export) {
    long bytes = SnapshotHeader.BYTES + END_BYTES;
    try (KeyspaceExport.Rows rows = export.rows()) {
      while (rows.advance()) {
        bytes += rowBytes(rows.key().length, rows.value().length);
      }
    }
    return bytes;
  }

  /** The next chunk, or null behind the last. */
  public @Nullable SnapshotChunk next() {
    if (trailer != null) {
      return null;
    }
    byte[] chunk = new byte[chunkBytes];
    int filled = 0;
    while (filled < chunkBytes && hasPiece()) {
      int part = Math.min(chunkBytes - filled, piece.length - pieceGiven);
      System.arraycopy(piece, pieceGiven, chunk, filled, part);
      pieceGiven += part;
      filled += part;
    }
    if (filled == 0) {
      trailer = new SnapshotTrailer(nextChunk, ByteString.copyFrom(digest.digest()));
      return null;
    }
    digest.update(chunk, 0, filled);
    return SnapshotChunk.of(nextChunk++, UnsafeByteOperations.unsafeWrap(chunk, 0, filled));
  }

  /** Whether there is anything left; fetches the next row when the one at hand is used up. */
  private boolean hasPiece() {
    if (pieceGiven < piece.length) {
      return true;
    }
    if (rowsEnded) {
      return false;
    }
    pieceGiven = 0;
    if (rows.advance()) {
      rowCount++;
      piece = row(rows.key(), rows.value());
    } else {
      rowsEnded = true;
      piece = ByteBuffer.allocate(END_BYTES).putLong(END_BYTES - Long.BYTES, rowCount).array();
    }
    return true;
  }

  private static int rowBytes(int keyBytes, int valueBytes) {
    return CodedOutputStream.computeUInt32SizeNoTag(keyBytes)
        + CodedOutputStream.computeUInt32SizeNoTag(valueBytes)
        + keyBytes
        + valueBytes;
  }

  private static byte[] row(byte[] key, byte[] value) {
    byte[] row = new byte[rowBytes(key.length, value.length)];
    CodedOutputStream out = CodedOutputStream.newInstance(row);
    try {
      out.writeUInt32NoTag(key.length);
      out.writeUInt32NoTag(value.length);
      out.writeRawBytes(key);
      out.writeRawBytes(value);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return row;
  }

  /**
   * How the stream ended.
   *
   * @throws IllegalStateException before {@link #next} has given null
   */
  public SnapshotTrailer trailer() {
    SnapshotTrailer ended = trailer;
    if (ended == null) {
      throw new IllegalStateException("the snapshot at " + header.at() + " is not at its end");
    }
    return ended;
  }

  /** Starts again; the same bytes come again. */
  public void rewind() {
    rows.close();
    rows = export.rows();
    digest = sha256();
    nextChunk = 0;
    rowCount = 0;
    piece = header.encode();
    pieceGiven = 0;
    rowsEnded = false;
    trailer = null;
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  @Override
  public void close() {
    rows.close();
    export.close();
  }
}
