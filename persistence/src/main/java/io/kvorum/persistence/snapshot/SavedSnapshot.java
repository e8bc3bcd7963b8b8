package io.kvorum.persistence.snapshot;

import io.kvorum.persistence.snapshot.SnapshotRows.Sink;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.LongConsumer;

/**
 * A snapshot in a file, as a client has saved it; the form is in {@link SnapshotFile}. Its content
 * is read as a stream: a row is held at a time. Of the checksum at its end {@link SnapshotChecksum}
 * knows.
 */
public final class SavedSnapshot {

  private static final int BUFFER_BYTES = 256 << 10;

  /** Receives the rows. */
  @FunctionalInterface
  public interface RowSink {
    /**
     * @throws IllegalArgumentException if the row cannot be
     */
    void row(byte[] key, byte[] value);
  }

  private final Path file;
  private final SnapshotHeader header;
  private final long sizeBytes;

  private SavedSnapshot(Path file, SnapshotHeader header, long sizeBytes) {
    this.file = file;
    this.header = header;
    this.sizeBytes = sizeBytes;
  }

  /** Whether a file begins as a snapshot does; false if there is none. */
  public static boolean isOne(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return SnapshotHeader.isBegunBy(in.readNBytes(Integer.BYTES));
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * @throws SnapshotException if it is no snapshot, one of a later version, or cannot be read
   */
  public static SavedSnapshot open(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] head = in.readNBytes(SnapshotHeader.BYTES);
      if (head.length < SnapshotHeader.BYTES) {
        throw new SnapshotException(file + " is damaged: it has only " + head.length + " bytes");
      }
      long size = Files.size(file);
      long behindBlocks = size % SnapshotFile.BLOCK_BYTES;
      return new SavedSnapshot(
          file,
          SnapshotHeader.decode(file.toString(), head),
          behindBlocks == SnapshotChecksum.DIGEST_BYTES
              ? size - SnapshotChecksum.DIGEST_BYTES
              : size);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static SnapshotException unreadable(Path file, IOException e) {
    return new SnapshotException(file + " cannot be read: " + e, e);
  }

  public Path file() {
    return file;
  }

  public SnapshotHeader header() {
    return header;
  }

  /** Without the checksum. */
  public long sizeBytes() {
    return sizeBytes;
  }

  /**
   * Refuses a file that is not, to the last byte, what a server gave.
   *
   * @param progress told now and then how many bytes were read
   * @throws SnapshotException if its checksum does not match its content, or it has none
   */
  public void requireWhole(LongConsumer progress) {
    switch (SnapshotChecksum.of(file, progress).verdict()) {
      case MATCHES -> {}
      case DIFFERS ->
          throw new SnapshotException(file + " is damaged: its SHA-256 does not match its content");
      case ABSENT -> throw new SnapshotException(file + " is cut off: it has no checksum");
    }
  }

  /**
   * Reads all of it.
   *
   * @param progress told now and then how many bytes were read
   * @throws SnapshotException if it is damaged, as far as its form tells
   */
  public void read(RowSink sink, LongConsumer progress) {
    SnapshotRows rows = new SnapshotRows(file.toString(), sizeBytes, new Forwarding(sink));
    byte[] buffer = new byte[BUFFER_BYTES];
    long done = 0;
    long behindEnd = 0;
    try (InputStream in = Files.newInputStream(file)) {
      while (done < sizeBytes) {
        int read = in.read(buffer, 0, (int) Math.min(buffer.length, sizeBytes - done));
        if (read < 0) {
          throw new SnapshotException(file + " has become shorter while it was read");
        }
        done += read;
        ByteBuffer part = ByteBuffer.wrap(buffer, 0, read);
        rows.acceptToEnd(part);
        behindEnd += part.remaining();
        requireZeros(part);
        progress.accept(done);
      }
    } catch (IOException e) {
      throw unreadable(file, e);
    }
    if (!rows.ended()) {
      throw new SnapshotException(file + " is cut off: it ends in the middle of its rows");
    }
    if (behindEnd >= SnapshotFile.BLOCK_BYTES) {
      throw new SnapshotException(file + " is damaged: it goes on behind its end");
    }
  }

  private void requireZeros(ByteBuffer rest) {
    while (rest.hasRemaining()) {
      if (rest.get() != 0) {
        throw new SnapshotException(file + " is damaged: it goes on behind its end");
      }
    }
  }

  private final class Forwarding implements Sink {
    private final RowSink to;

    private Forwarding(RowSink to) {
      this.to = to;
    }

    @Override
    public void header(SnapshotHeader again) {
      if (!again.equals(header)) {
        throw new SnapshotException(file + " has changed while it was read");
      }
    }

    @Override
    public void row(byte[] key, byte[] value) {
      try {
        to.row(key, value);
      } catch (IllegalArgumentException e) {
        throw new SnapshotException(file + " is not usable: " + e.getMessage(), e);
      }
    }
  }
}
