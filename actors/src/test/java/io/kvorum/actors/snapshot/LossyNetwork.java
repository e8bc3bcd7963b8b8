package io.kvorum.actors.snapshot;

import com.google.protobuf.ByteString;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Loses, repeats, delays past the next one, and damages what it carries. */
final class LossyNetwork implements SnapshotCluster.Network {
  private final Random random;
  private @Nullable Runnable delayed;

  LossyNetwork(long seed) {
    random = new Random(seed);
  }

  @Override
  public synchronized void carry(
      SnapshotCluster.Member from, SnapshotCluster.Member to, SnapshotMessage message) {
    Runnable late = delayed;
    delayed = null;
    switch (random.nextInt(12)) {
      case 0 -> {}
      case 1 -> {
        to.hear(from.id, message);
        to.hear(from.id, message);
      }
      case 2 -> delayed = () -> to.hear(from.id, message);
      case 3 -> to.hear(from.id, random.nextInt(8) == 0 ? damaged(message) : message);
      default -> to.hear(from.id, message);
    }
    if (late != null) {
      late.run();
    }
  }

  private SnapshotMessage damaged(SnapshotMessage message) {
    if (!(message instanceof SnapshotMessage.Chunk(var id, var number, var bytes, var crc))) {
      return message;
    }
    byte[] changed = bytes.toByteArray();
    changed[random.nextInt(changed.length)] ^= 4;
    return new SnapshotMessage.Chunk(id, number, ByteString.copyFrom(changed), crc);
  }
}
