package io.kvorum.actors.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.util.HashMap;
import java.util.Map;

/** The configuration of an actor system that talks to peers: what kvorum-peers.conf leaves open. */
public final class ArteryConfig {
  /** Room in a frame for what surrounds the entries of an append. */
  static final int FRAME_OVERHEAD_BYTES = 256 << 10;

  /** Above this much for one frame, as few buffers are kept as lanes use at once. */
  private static final long LARGE_FRAME_BYTES = 8 << 20;

  private ArteryConfig() {}

  /**
   * To be laid over the process's own configuration.
   *
   * @param bind where to listen
   * @param advertised what the others dial: exactly the host and port of this member's peer URL,
   *     since Artery takes nothing that was sent to another name
   * @param maxMessageBytes entries in one message, and the largest single entry
   * @throws IllegalArgumentException if a message of that size is beyond a frame
   */
  public static Config of(PeerAddress bind, PeerAddress advertised, long maxMessageBytes) {
    long frame = Math.addExact(maxMessageBytes, FRAME_OVERHEAD_BYTES);
    if (maxMessageBytes <= 0 || frame > Integer.MAX_VALUE - FRAME_OVERHEAD_BYTES) {
      throw new IllegalArgumentException("messages of " + maxMessageBytes + " bytes");
    }
    Map<String, Object> settings = new HashMap<>();
    settings.put("pekko.remote.artery.canonical.hostname", advertised.host());
    settings.put("pekko.remote.artery.canonical.port", advertised.port());
    settings.put("pekko.remote.artery.bind.hostname", bind.host());
    settings.put("pekko.remote.artery.bind.port", bind.port());
    String advanced = "pekko.remote.artery.advanced.";
    settings.put(advanced + "maximum-frame-size", frame + " B");
    settings.put(advanced + "maximum-large-frame-size", frame + " B");
    if (frame > LARGE_FRAME_BYTES) {
      settings.put(advanced + "buffer-pool-size", 2);
      settings.put(advanced + "large-buffer-pool-size", 1);
    }
    return ConfigFactory.parseMap(settings, "peers")
        .withFallback(ConfigFactory.parseResources("kvorum-peers.conf"));
  }
}
