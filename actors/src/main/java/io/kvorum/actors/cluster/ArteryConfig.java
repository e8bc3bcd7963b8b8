package io.kvorum.actors.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The configuration of an actor system that talks to peers. Reasons: docs/decisions/0008. */
public final class ArteryConfig {
  /** Room in a frame for what surrounds the entries of an append. */
  private static final int FRAME_OVERHEAD_BYTES = 256 << 10;

  private ArteryConfig() {}

  /**
   * To be laid over the process's own configuration.
   *
   * @param bind where to listen
   * @param advertised what the others dial: the host and port of this member's peer URL
   * @param maxMessageBytes entries in one message, and the largest single entry
   */
  public static Config of(PeerAddress bind, PeerAddress advertised, long maxMessageBytes) {
    long frame = maxMessageBytes + FRAME_OVERHEAD_BYTES;
    Map<String, Object> settings = new HashMap<>();
    settings.put("pekko.actor.provider", "cluster");
    settings.put("pekko.actor.serializers.kvorum-peer", PeerSerializer.class.getName());
    settings.put(
        "pekko.actor.serialization-bindings.\"" + PeerMessage.class.getName() + "\"",
        "kvorum-peer");
    settings.put("pekko.remote.artery.transport", "tcp");
    settings.put("pekko.remote.artery.canonical.hostname", advertised.host());
    settings.put("pekko.remote.artery.canonical.port", advertised.port());
    settings.put("pekko.remote.artery.bind.hostname", bind.host());
    settings.put("pekko.remote.artery.bind.port", bind.port());
    settings.put(
        "pekko.remote.artery.large-message-destinations",
        List.of("/system/" + PeerInbox.Lane.BULK.actorName()));
    String advanced = "pekko.remote.artery.advanced.";
    settings.put(advanced + "maximum-frame-size", frame + " B");
    settings.put(advanced + "maximum-large-frame-size", frame + " B");
    // A buffer is as large as a frame and copied from at once.
    settings.put(advanced + "buffer-pool-size", 8);
    settings.put(advanced + "large-buffer-pool-size", 4);
    settings.put(advanced + "inbound-lanes", 1);
    settings.put(advanced + "outbound-lanes", 1);
    settings.put(advanced + "outbound-message-queue-size", 4096);
    settings.put(advanced + "outbound-large-message-queue-size", 64);
    // An election timeout is a second: who comes back must be heard well within it.
    settings.put(advanced + "tcp.connection-timeout", "1 s");
    settings.put(advanced + "outbound-restart-backoff", "200 ms");
    settings.put(advanced + "handshake-retry-interval", "200 ms");
    settings.put(advanced + "handshake-timeout", "10 s");
    // The cluster never decides who lives: raft does.
    settings.put("pekko.cluster.downing-provider-class", "");
    settings.put("pekko.cluster.shutdown-after-unsuccessful-join-seed-nodes", "off");
    settings.put("pekko.cluster.jmx.enabled", "off");
    settings.put("pekko.cluster.log-info", "off");
    settings.put("pekko.cluster.run-coordinated-shutdown-when-down", "off");
    settings.put("pekko.cluster.failure-detector.acceptable-heartbeat-pause", "10 s");
    settings.put("pekko.coordinated-shutdown.phases.cluster-leave.timeout", "500 ms");
    settings.put("pekko.coordinated-shutdown.phases.cluster-exiting.timeout", "500 ms");
    settings.put("pekko.coordinated-shutdown.phases.cluster-exiting-done.timeout", "500 ms");
    settings.put("pekko.log-dead-letters", "off");
    return ConfigFactory.parseMap(settings, "peers");
  }
}
