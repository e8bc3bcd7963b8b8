package io.kvorum.actors.watch;

import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.mvccpb.Event;
import java.util.List;
import java.util.function.Function;

/**
 * The events of one revision in sub order.
 *
 * @param bytes about what they take, previous values included where known
 */
record RevisionEntry(long revision, List<WatchEvent> events, long bytes) {

  /** Of a revision as its writer tells it. */
  static RevisionEntry live(RevisionEvents revision) {
    return of(revision, WatchEvent::live);
  }

  /** Of a revision as it was stored. */
  static RevisionEntry past(RevisionEvents revision) {
    return of(revision, WatchEvent::past);
  }

  private static RevisionEntry of(RevisionEvents revision, Function<Event, WatchEvent> form) {
    var events = new WatchEvent[revision.events().size()];
    for (int i = 0; i < events.length; i++) {
      events[i] = form.apply(revision.events().get(i));
    }
    return new RevisionEntry(revision.revision(), List.of(events), bytes(revision.events()));
  }

  static long bytes(List<Event> events) {
    long bytes = 0;
    for (var event : events) {
      bytes += WatchEvent.bytes(event);
    }
    return bytes;
  }
}
