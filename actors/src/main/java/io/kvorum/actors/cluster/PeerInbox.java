package io.kvorum.actors.cluster;

import org.apache.pekko.actor.AbstractActor;
import org.apache.pekko.actor.Props;
import org.apache.pekko.japi.pf.ReceiveBuilder;

/**
 * Where one lane's messages arrive. A classic actor, because only those know who sent a message.
 */
final class PeerInbox extends AbstractActor {
  /** One stream of Artery each. */
  enum Lane {
    URGENT,
    ORDINARY,
    BULK;

    String actorName() {
      return "peers-" + name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  private final PeerNetwork network;

  private PeerInbox(PeerNetwork network) {
    this.network = network;
  }

  static Props props(PeerNetwork network) {
    return Props.create(PeerInbox.class, () -> new PeerInbox(network));
  }

  @Override
  public Receive createReceive() {
    return ReceiveBuilder.create()
        .match(PeerMessage.class, message -> network.receive(message, getSender()))
        .build();
  }
}
