package io.kvorum.persistence.snapshot;

import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import java.nio.ByteBuffer;

/**
 * What a snapshot's stream begins with. Behind it come the rows, each as length of key, length of
 * value (both as varints), key, value; a key of length 0 ends them, and the number of rows, 8 bytes
 * big endian, ends the stream.
 *
 * @param clusterId of the cluster whose state it is
 * @param at the last log entry whose effects are in it
 * @param compactedRevision -1 before the first compaction
 */
public record SnapshotHeader(
    GroupId group, long clusterId, LogPosition at, long revision, long compactedRevision) {

  static final int BYTES = 4 + 4 + 4 + 5 * Long.BYTES;

  /** "KVSN". */
  private static final int MAGIC = 0x4b56_534e;

  private static final int VERSION = 1;

  /** Whether these are a snapshot's first bytes. */
  static boolean isBegunBy(byte[] bytes) {
    return bytes.length >= Integer.BYTES && ByteBuffer.wrap(bytes).getInt() == MAGIC;
  }

  byte[] encode() {
    return ByteBuffer.allocate(BYTES)
        .putInt(MAGIC)
        .putInt(VERSION)
        .putInt(group.value())
        .putLong(clusterId)
        .putLong(at.index())
        .putLong(at.term())
        .putLong(revision)
        .putLong(compactedRevision)
        .array();
  }

  /**
   * @param name of the snapshot, for messages
   */
  static SnapshotHeader decode(String name, byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    if (in.getInt() != MAGIC) {
      throw new SnapshotException(name + " is no snapshot");
    }
    int version = in.getInt();
    if (version != VERSION) {
      throw new SnapshotException(
          name + " has format " + version + ", and this version reads format " + VERSION);
    }
    int group = in.getInt();
    if (group < 0) {
      throw new SnapshotException(name + " is of group " + group);
    }
    return new SnapshotHeader(
        new GroupId(group),
        in.getLong(),
        new LogPosition(in.getLong(), in.getLong()),
        in.getLong(),
        in.getLong());
  }
}
