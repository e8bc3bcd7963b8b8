package io.kvorum.actors.snapshot;

import com.typesafe.config.Config;
import java.time.Duration;

/**
 * The bounds of moving snapshots.
 *
 * @param chunkBytes size of a chunk, {@link SnapshotMessage#MAX_CHUNK_BYTES} at most
 * @param windowBytes chunks on their way to one follower and not acknowledged; held in memory
 * @param bytesPerSecond one transfer is no faster than this
 * @param maxSends transfers to different followers at a time; others wait
 * @param repeatAfter a sender that hears nothing for this long repeats its offer
 * @param maxRepeats so often in a row, then it gives up
 * @param abandonAfter a receiver that hears nothing for this long removes what it has
 */
public record SnapshotSettings(
    int chunkBytes,
    int windowBytes,
    long bytesPerSecond,
    int maxSends,
    Duration repeatAfter,
    int maxRepeats,
    Duration abandonAfter) {

  public SnapshotSettings {
    if (chunkBytes < 1 || chunkBytes > SnapshotMessage.MAX_CHUNK_BYTES) {
      throw new IllegalArgumentException("snapshot chunks of " + chunkBytes + " bytes");
    }
    if (bytesPerSecond < 1 || maxSends < 1 || maxRepeats < 0) {
      throw new IllegalArgumentException(
          bytesPerSecond + " bytes/s, " + maxSends + " sends, " + maxRepeats + " repeats");
    }
  }

  public static SnapshotSettings defaults() {
    return new SnapshotSettings(
        SnapshotMessage.MAX_CHUNK_BYTES,
        1 << 20,
        100L << 20,
        2,
        Duration.ofSeconds(2),
        15,
        Duration.ofSeconds(60));
  }

  /** Defaults, and what an operator may set in the section {@code kvorum.snapshot}. */
  public static SnapshotSettings from(Config config) {
    Config section = config.getConfig("kvorum.snapshot");
    SnapshotSettings defaults = defaults();
    return new SnapshotSettings(
        defaults.chunkBytes(),
        defaults.windowBytes(),
        section.getBytes("bytes-per-second"),
        section.getInt("max-sends"),
        defaults.repeatAfter(),
        defaults.maxRepeats(),
        defaults.abandonAfter());
  }

  /** At least two: one on its way while the other is acknowledged. */
  int windowChunks() {
    return Math.max(2, windowBytes / chunkBytes);
  }
}
