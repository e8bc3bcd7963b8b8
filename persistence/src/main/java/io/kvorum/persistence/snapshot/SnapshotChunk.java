package io.kvorum.persistence.snapshot;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * A piece of a snapshot's stream.
 *
 * @param number from 0
 * @param crc32c over the number, 8 bytes big endian, and the bytes, so that a piece in the wrong
 *     place is no more valid than a damaged one
 */
public record SnapshotChunk(long number, ByteString bytes, int crc32c) {

  static SnapshotChunk of(long number, ByteString bytes) {
    return new SnapshotChunk(number, bytes, checksum(number, bytes));
  }

  /** Whether it is what was sent. */
  public boolean isIntact() {
    return crc32c == checksum(number, bytes);
  }

  private static int checksum(long number, ByteString bytes) {
    CRC32C crc = new CRC32C();
    crc.update(ByteBuffer.allocate(Long.BYTES).putLong(0, number));
    for (ByteBuffer part : bytes.asReadOnlyByteBufferList()) {
      crc.update(part);
    }
    return (int) crc.getValue();
  }
}
