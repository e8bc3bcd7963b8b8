package io.kvorum.actors.watch;

import io.kvorum.persistence.mvcc.RevisionEvents;
import java.util.List;

/** What a {@link WatchPublisher} says to the hub. */
sealed interface PublisherMessage extends WatchHub.Message {

  /** Revisions in order, and what they count for in the publisher's backlog. */
  record Offered(WatchPublisher from, List<RevisionEvents> revisions, long bytes)
      implements PublisherMessage {}

  /** Revisions were left out; {@link WatchPublisher#takeSkipped} tells up to which. */
  record Skipped(WatchPublisher from) implements PublisherMessage {}
}
