package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.mvccpb.Event;
import java.util.List;

/** All events of one revision in sub order, with prev_kv where the writer knew it. */
public record RevisionEvents(long revision, List<Event> events) {
  public RevisionEvents {
    events = List.copyOf(events);
  }
}
