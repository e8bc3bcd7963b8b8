package io.kvorum.actors.cluster;

import io.kvorum.protocol.MemberId;
import java.time.Duration;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSelection;

/** One of a group's other members: the ways to it, and when it was heard. Any thread. */
final class Peer {
  /** Five times the interval at which the silent are spoken to. */
  private static final Duration SILENCE = Duration.ofMillis(2_500);

  final MemberId member;
  final PeerAddress address;
  private final PeerNetwork network;
  private final ActorSelection urgent;
  private final ActorRef ordinary;
  private final ActorRef bulk;

  private volatile long heardNanos;
  private volatile long connectedSinceNanos;
  private volatile boolean connected;
  private volatile String serverVersion = "";

  Peer(PeerNetwork network, MemberId member, PeerAddress address) {
    this.network = network;
    this.member = member;
    this.address = address;
    this.urgent = network.selection(address);
    this.ordinary = network.reference(address, PeerInbox.Lane.ORDINARY);
    this.bulk = network.reference(address, PeerInbox.Lane.BULK);
  }

  void send(PeerMessage message) {
    switch (message) {
      case PeerMessage.Urgent m -> urgent.tell(m, network.inbox(PeerInbox.Lane.URGENT));
      case PeerMessage.Ordinary m -> ordinary.tell(m, network.inbox(PeerInbox.Lane.ORDINARY));
      case PeerMessage.Bulk m -> bulk.tell(m, network.inbox(PeerInbox.Lane.BULK));
    }
  }

  /** Whether it was not connected before. */
  boolean heard(String version) {
    long now = System.nanoTime();
    heardNanos = now;
    if (!version.equals(serverVersion)) {
      serverVersion = version;
    }
    if (connected) {
      return false;
    }
    connectedSinceNanos = now;
    connected = true;
    return true;
  }

  /** Whether it was connected and has fallen silent. */
  boolean fellSilent() {
    if (connected && System.nanoTime() - heardNanos > SILENCE.toNanos()) {
      connected = false;
      return true;
    }
    return false;
  }

  GroupPeers.Link link() {
    return new GroupPeers.Link(
        connected,
        connected ? Duration.ofNanos(System.nanoTime() - connectedSinceNanos) : Duration.ZERO,
        serverVersion);
  }
}
