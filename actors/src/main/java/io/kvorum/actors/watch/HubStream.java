package io.kvorum.actors.watch;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the hub knows of one stream, and what is to be sent to it at the end of a message. */
final class HubStream {
  /** What one response takes besides its events. */
  private static final long RESPONSE_BYTES = 64;

  final StreamPort port;
  boolean wantsPrevKv;

  /** It waits for the end of the message. */
  boolean dirty;

  /** It gets something of the revision at hand. */
  boolean touched;

  private List<Delivery> deliveries = new ArrayList<>(2);
  private List<HubReply.Behind> behind = new ArrayList<>(0);
  private List<Subscription> matched = new ArrayList<>(2);
  private @Nullable Subscription first;

  HubStream(StreamPort port) {
    this.port = port;
  }

  void add(Subscription subscription) {
    subscription.stream = this;
    subscription.after = first;
    if (first != null) {
      first.before = subscription;
    }
    first = subscription;
  }

  void remove(Subscription subscription) {
    if (subscription.before == null) {
      first = subscription.after;
    } else {
      subscription.before.after = subscription.after;
    }
    if (subscription.after != null) {
      subscription.after.before = subscription.before;
    }
    subscription.before = null;
    subscription.after = null;
    subscription.stream = null;
  }

  List<Subscription> subscriptions() {
    var all = new ArrayList<Subscription>();
    for (var next = first; next != null; next = next.after) {
      all.add(next);
    }
    return all;
  }

  /** The subscription gets something of the revision at hand. */
  void match(Subscription subscription) {
    matched.add(subscription);
  }

  /** Ends the revision at hand; {@code takeMatched} tells who was to get it. */
  List<Subscription> takeMatched() {
    var taken = matched;
    matched = new ArrayList<>(taken.size());
    return taken;
  }

  /** Charges the stream and hands the revision over. */
  void deliver(RevisionEntry entry, List<Subscription> to) {
    int size = to.size();
    var subscriptions = to.toArray(new Subscription[0]);
    int[][] hits = null;
    long charge = size * (RESPONSE_BYTES + entry.bytes());
    if (entry.events().size() > 1) {
      hits = new int[size][];
      charge = size * RESPONSE_BYTES;
      for (int i = 0; i < size; i++) {
        hits[i] = subscriptions[i].takeHits();
        charge += entry.bytes() * hits[i].length / entry.events().size();
      }
    }
    port.charge(charge);
    deliveries.add(new Delivery(entry, subscriptions, hits, charge));
  }

  void fallBehind(Subscription subscription, long nextRevision) {
    behind.add(new HubReply.Behind(subscription, nextRevision));
  }

  void flush() {
    dirty = false;
    port.reply(new HubReply.Delivered(deliveries, behind));
    deliveries = new ArrayList<>(2);
    behind = new ArrayList<>(0);
  }
}
