package io.kvorum.persistence.snapshot;

import io.kvorum.persistence.mvcc.KeyspaceStaging;
import io.kvorum.persistence.snapshot.SnapshotRows.Sink;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;

/**
 * Makes a keyspace out of a snapshot that a client has saved; the form is in {@link SnapshotFile}.
 * Holds a row in memory. One thread.
 */
public final class SnapshotFileReader {
  private static final int SHA256_BYTES = 32;
  private static final int PIECE_BYTES = 256 << 10;

  private final Path file;
  private final SnapshotHeader header;
  private final long contentBytes;

  private SnapshotFileReader(Path file, SnapshotHeader header, long contentBytes) {
    this.file = file;
    this.header = header;
    this.contentBytes = contentBytes;
  }

  /**
   * @throws SnapshotException if it is no snapshot, or cannot be read
   */
  public static SnapshotFileReader open(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] head = in.readNBytes(SnapshotHeader.BYTES);
      long size = Files.size(file);
      if (head.length < SnapshotHeader.BYTES
          || size % SnapshotFile.BLOCK_BYTES != SHA256_BYTES
          || size < SnapshotFile.BLOCK_BYTES) {
        throw new SnapshotException(
            file + " is no snapshot, or not all of one: it has " + size + " bytes");
      }
      return new SnapshotFileReader(file, SnapshotHeader.decode(head), size - SHA256_BYTES);
    } catch (IOException e) {
      throw new SnapshotException("cannot read " + file + ": " + e, e);
    }
  }

  public SnapshotHeader header() {
    return header;
  }

  /**
   * Puts all rows into a staging, checks them, and seals it.
   *
   * @throws SnapshotException if the file is damaged, or is not a keyspace
   * @throws io.kvorum.persistence.leveldb.StorageException if the disk takes no writes
   */
  public void writeTo(KeyspaceStaging staging) {
    SnapshotRows rows = new SnapshotRows(new StagingSink(staging));
    MessageDigest digest = SnapshotReader.sha256();
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file), PIECE_BYTES)) {
      // The rows end in the last block, somewhere before its zeros.
      long whole = contentBytes - SnapshotFile.BLOCK_BYTES;
      byte[] piece = new byte[PIECE_BYTES];
      for (long done = 0; done < whole; ) {
        int read = in.readNBytes(piece, 0, (int) Math.min(piece.length, whole - done));
        if (read == 0) {
          throw damaged("it has become shorter while it was read");
        }
        digest.update(piece, 0, read);
        rows.accept(ByteBuffer.wrap(piece, 0, read));
        done += read;
      }
      byte[] last = in.readNBytes(SnapshotFile.BLOCK_BYTES);
      digest.update(last);
      acceptLast(rows, last);
      if (!MessageDigest.isEqual(digest.digest(), in.readNBytes(SHA256_BYTES))) {
        throw damaged("its SHA-256 does not match its content");
      }
    } catch (IOException e) {
      throw new SnapshotException("cannot read " + file + ": " + e, e);
    }
    try {
      staging.seal(header.at());
    } catch (IllegalArgumentException e) {
      throw damaged(String.valueOf(e.getMessage()));
    }
  }

  private void acceptLast(SnapshotRows rows, byte[] block) {
    int next = 0;
    while (next < block.length && !rows.ended()) {
      rows.accept(ByteBuffer.wrap(block, next++, 1));
    }
    if (!rows.ended()) {
      throw damaged("it ends in the middle of its rows");
    }
  }

  private SnapshotException damaged(String what) {
    return new SnapshotException(file + " is not usable: " + what);
  }

  private final class StagingSink implements Sink {
    private final KeyspaceStaging staging;

    private StagingSink(KeyspaceStaging staging) {
      this.staging = staging;
    }

    @Override
    public void header(SnapshotHeader again) {
      if (!again.equals(header)) {
        throw damaged("it has changed while it was read");
      }
    }

    @Override
    public void row(byte[] key, byte[] value) {
      try {
        staging.put(key, value);
      } catch (IllegalArgumentException e) {
        throw damaged(String.valueOf(e.getMessage()));
      }
    }
  }
}
