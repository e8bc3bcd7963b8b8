package io.kvorum.actors.watch;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One revision for one stream: who of it gets which events. Made by the hub, owned by the stream
 * from then on.
 *
 * @param subscriptions null where the stream has found that the watcher is gone meanwhile
 * @param hits for each subscription the places of its events in the revision; null: all get all
 * @param charge what was taken from the stream's credit
 */
record Delivery(
    RevisionEntry entry,
    @Nullable Subscription[] subscriptions,
    int @Nullable [][] hits,
    long charge)
    implements ResponseQueue.Item {

  /** What the subscription at this place gets. */
  List<WatchEvent> events(int place) {
    if (hits == null) {
      return entry.events();
    }
    var events = new ArrayList<WatchEvent>(hits[place].length);
    for (int hit : hits[place]) {
      events.add(entry.events().get(hit));
    }
    return events;
  }

  int eventCount(int place) {
    return hits == null ? entry.events().size() : hits[place].length;
  }
}
