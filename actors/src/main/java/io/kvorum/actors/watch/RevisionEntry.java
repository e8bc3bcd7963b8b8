package io.kvorum.actors.watch;

import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.mvccpb.Event;
import java.util.List;

/**
 * The events of one revision in sub order, in the two forms that watchers ask for.
 *
 * @param plain without previous values
 * @param full with the previous value where there was one
 * @param bytes encoded size of all events, previous values included where known
 */
record RevisionEntry(long revision, List<Event> plain, List<Event> full, long bytes) {

  /** Of a revision as its writer tells it, previous values included. */
  static RevisionEntry live(RevisionEvents revision) {
    var full = revision.events();
    boolean anyPrevious = full.stream().anyMatch(Event::hasPrevKv);
    var plain = anyPrevious ? full.stream().map(RevisionEntry::withoutPrevKv).toList() : full;
    return new RevisionEntry(revision.revision(), plain, full, bytes(full));
  }

  List<Event> events(boolean withPrevKv) {
    return withPrevKv ? full : plain;
  }

  static long bytes(List<Event> events) {
    long bytes = 0;
    for (var event : events) {
      bytes += event.getSerializedSize();
    }
    return bytes;
  }

  static Event withoutPrevKv(Event event) {
    return event.hasPrevKv() ? event.toBuilder().clearPrevKv().build() : event;
  }
}
