package io.kvorum.persistence.leveldb;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Writes files of LevelDB's log format, for tests: each record is a write batch that puts one key.
 */
final class LogWriter {

  private static final int BLOCK_BYTES = 32 << 10;
  private static final int HEADER_BYTES = 7;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** Where each record begins, and at the end where the next one would. */
  final List<Integer> positions = new ArrayList<>(List.of(0));

  LogWriter put(long sequence, String key, byte[] value) {
    byte[] keyBytes = key.getBytes(UTF_8);
    ByteBuffer batch =
        ByteBuffer.allocate(12 + 1 + 5 + keyBytes.length + 5 + value.length)
            .order(ByteOrder.LITTLE_ENDIAN);
    batch.putLong(sequence).putInt(1).put((byte) 1);
    varint(batch, keyBytes.length).put(keyBytes);
    varint(batch, value.length).put(value);
    byte[] record = new byte[batch.position()];
    batch.flip().get(record);
    record(record);
    return this;
  }

  private static ByteBuffer varint(ByteBuffer out, int value) {
    int rest = value;
    while (rest >= 0x80) {
      out.put((byte) (rest | 0x80));
      rest >>>= 7;
    }
    return out.put((byte) rest);
  }

  void record(byte[] content) {
    int from = 0;
    do {
      int left = BLOCK_BYTES - out.size() % BLOCK_BYTES;
      if (left < HEADER_BYTES) {
        out.writeBytes(new byte[left]);
        left = BLOCK_BYTES;
      }
      int length = Math.min(left - HEADER_BYTES, content.length - from);
      boolean first = from == 0;
      boolean last = from + length == content.length;
      fragment(first ? (last ? 1 : 2) : (last ? 4 : 3), content, from, length);
      from += length;
    } while (from < content.length);
    positions.add(out.size());
  }

  private void fragment(int type, byte[] content, int from, int length) {
    CRC32C crc = new CRC32C();
    crc.update(type);
    crc.update(content, from, length);
    int masked = Integer.rotateRight((int) crc.getValue(), 15) + 0xa282ead8;
    out.writeBytes(
        ByteBuffer.allocate(HEADER_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(masked)
            .putShort((short) length)
            .put((byte) type)
            .array());
    out.write(content, from, length);
  }

  byte[] bytes() {
    return out.toByteArray();
  }

  Path writeTo(Path directory, int number) throws IOException {
    return Files.write(directory.resolve("%06d.log".formatted(number)), bytes());
  }
}
