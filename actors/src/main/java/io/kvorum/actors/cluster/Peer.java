package io.kvorum.actors.cluster;

import io.kvorum.protocol.MemberId;
import java.time.Duration;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSelection;

/** One of a group's other members: the ways to it, and when it was heard. Any thread. */
final class Peer {
  /** Four times the interval at which members ping each other. */
  static final Duration SILENCE = Duration.ofSeconds(2);

  /** A member that starts together with this one has been heard by then. */
  private static final Duration MISSING = Duration.ofSeconds(10);

  /** A first attempt to dial anew may get stuck as well; whoever is down is left in peace. */
  private static final Duration MAX_REDIAL_INTERVAL = Duration.ofSeconds(8);

  final MemberId member;
  final PeerAddress address;
  private final PeerNetwork network;
  private final PeerMessage.Header header;
  private final ActorSelection urgent;
  private final ActorRef ordinary;
  private final ActorRef bulk;

  private volatile long heardNanos = System.nanoTime();
  private volatile long connectedSinceNanos;
  private volatile boolean connected;
  private volatile String serverVersion = "";

  // Of the timer alone.
  private boolean missed;
  private long redialedNanos;
  private long redialIntervalNanos = SILENCE.toNanos();

  Peer(PeerNetwork network, PeerMessage.Header header, PeerAddress address) {
    this.network = network;
    this.header = header;
    this.member = header.to();
    this.address = address;
    this.urgent = network.selection(address);
    this.ordinary = network.reference(address, PeerInbox.Lane.ORDINARY);
    this.bulk = network.reference(address, PeerInbox.Lane.BULK);
  }

  void send(PeerMessage.Body body) {
    send(PeerMessage.of(header, body));
  }

  /** Lets no firewall on the way forget the connections that are seldom used. */
  void keepWarm() {
    send(new PeerMessage.Ordinary(header, new PeerMessage.Ping()));
    send(new PeerMessage.Bulk(header, new PeerMessage.Ping()));
  }

  private void send(PeerMessage message) {
    switch (message) {
      case PeerMessage.Urgent m -> urgent.tell(m, network.inbox(PeerInbox.Lane.URGENT));
      case PeerMessage.Ordinary m -> ordinary.tell(m, network.inbox(PeerInbox.Lane.ORDINARY));
      case PeerMessage.Bulk m -> bulk.tell(m, network.inbox(PeerInbox.Lane.BULK));
    }
  }

  /** Whether it was not connected before. */
  synchronized boolean heardAnew(String version) {
    heard(version);
    if (connected) {
      return false;
    }
    connectedSinceNanos = heardNanos;
    connected = true;
    return true;
  }

  /** Whether it is connected, and so needs no {@link #heardAnew}. */
  boolean heard(String version) {
    heardNanos = System.nanoTime();
    if (!version.equals(serverVersion)) {
      serverVersion = version;
    }
    return connected;
  }

  /** Whether it was connected and has fallen silent. */
  synchronized boolean fellSilent() {
    if (connected && silenceNanos() > SILENCE.toNanos()) {
      connected = false;
      return true;
    }
    return false;
  }

  /** Whether it was never heard although there was time for it; said once. */
  boolean isMissing() {
    if (missed || !serverVersion.isEmpty() || silenceNanos() <= MISSING.toNanos()) {
      return false;
    }
    missed = true;
    return true;
  }

  /** Whether its silence has lasted so long that the connections to it may be stuck. */
  boolean isRedialDue() {
    if (silenceNanos() <= SILENCE.toNanos()) {
      redialIntervalNanos = SILENCE.toNanos();
      return false;
    }
    long now = System.nanoTime();
    if (redialIntervalNanos > SILENCE.toNanos() && now - redialedNanos < redialIntervalNanos) {
      return false;
    }
    redialedNanos = now;
    redialIntervalNanos = Math.min(2 * redialIntervalNanos, MAX_REDIAL_INTERVAL.toNanos());
    return true;
  }

  private long silenceNanos() {
    return System.nanoTime() - heardNanos;
  }

  boolean isConnected() {
    return connected;
  }

  GroupPeers.Link link() {
    boolean up = connected;
    return new GroupPeers.Link(
        up,
        up ? Duration.ofNanos(System.nanoTime() - connectedSinceNanos) : Duration.ZERO,
        serverVersion);
  }
}
