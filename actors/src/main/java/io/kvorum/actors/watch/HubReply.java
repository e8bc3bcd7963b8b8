package io.kvorum.actors.watch;

import java.util.List;

/** What the hub says to a client stream. Order is kept. */
sealed interface HubReply {

  /** What a stream wants a revision for. */
  enum Purpose {
    CLIENT_ASKED,
    INTERVAL_PASSED
  }

  /** The stream is known; {@code ring} is for it to read. */
  record Opened(RevisionRing ring) implements HubReply {}

  /** The subscriptions hold for all revisions after {@code newest}. */
  record Joined(List<Subscription> subscriptions, long newest) implements HubReply {}

  /**
   * Revisions, charged to the stream's credit, and the subscriptions that ended for want of it
   * after them.
   */
  record Delivered(List<Delivery> deliveries, List<Behind> behind) implements HubReply {}

  /** All deliveries up to {@code revision} have been made. */
  record Reached(Purpose purpose, long revision) implements HubReply {}

  /** A subscription that is no more; its watcher has not been given {@code nextRevision}. */
  record Behind(Subscription subscription, long nextRevision) {}
}
