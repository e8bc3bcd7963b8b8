package io.kvorum.actors.watch;

import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.List;

/**
 * The events of one revision in sub order, in the two forms that watchers ask for.
 *
 * @param plain without previous values
 * @param full with the previous value where there was one
 * @param bytes of all events, previous values included where known
 */
record RevisionEntry(long revision, List<Event> plain, List<Event> full, long bytes) {
  private static final int EVENT_OVERHEAD_BYTES = 64;

  /** Of a revision as its writer tells it, previous values included. */
  static RevisionEntry live(RevisionEvents revision) {
    var full = List.copyOf(revision.events());
    boolean anyPrevious = full.stream().anyMatch(Event::hasPrevKv);
    var plain = anyPrevious ? full.stream().map(RevisionEntry::withoutPrevKv).toList() : full;
    return new RevisionEntry(revision.revision(), plain, full, bytes(full));
  }

  /** Whether {@link #full} is complete: the writer does not always know what a put replaced. */
  boolean knowsPrevious() {
    return full instanceof CatchUp.WithPrevKv
        || full.stream().allMatch(RevisionEntry::knowsPrevious);
  }

  static boolean knowsPrevious(Event event) {
    return event.hasPrevKv()
        || event.getType() == Event.EventType.DELETE
        || event.getKv().getVersion() == 1;
  }

  List<Event> events(boolean withPrevKv) {
    return withPrevKv ? full : plain;
  }

  /** About the memory that events take; cheaper than their encoded size. */
  static long bytes(List<Event> events) {
    long bytes = 0;
    for (var event : events) {
      bytes += EVENT_OVERHEAD_BYTES + bytes(event.getKv());
      if (event.hasPrevKv()) {
        bytes += bytes(event.getPrevKv());
      }
    }
    return bytes;
  }

  private static long bytes(KeyValue kv) {
    return kv.getKey().size() + kv.getValue().size();
  }

  static Event withoutPrevKv(Event event) {
    return event.hasPrevKv() ? event.toBuilder().clearPrevKv().build() : event;
  }
}
