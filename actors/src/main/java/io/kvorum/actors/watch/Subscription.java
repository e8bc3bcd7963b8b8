package io.kvorum.actors.watch;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A level watcher's claim on the hub: all matching events from {@code fromRevision} on. Told from a
 * later one of the same watcher by identity. What is not final is the hub's alone.
 */
final class Subscription extends Members.Placed {
  private final Watcher watcher;
  private final long fromRevision;

  /** The hub's: where the events go; null before it is known there, and once it has ended. */
  @Nullable HubStream stream;

  /** The hub's: neighbours in the stream's list. */
  @Nullable Subscription before;

  @Nullable Subscription after;

  /** The hub's: which events of the revision at hand match; of one with several events. */
  private int @Nullable [] hits;

  private int hitCount;

  Subscription(Watcher watcher, long fromRevision) {
    this.watcher = watcher;
    this.fromRevision = fromRevision;
  }

  Watcher watcher() {
    return watcher;
  }

  long fromRevision() {
    return fromRevision;
  }

  /** The hub only; returns whether this is the first. */
  boolean hit(int event) {
    if (hits == null) {
      hits = new int[] {event};
    } else {
      if (hitCount == hits.length) {
        hits = Arrays.copyOf(hits, 2 * hitCount);
      }
      hits[hitCount] = event;
    }
    return ++hitCount == 1;
  }

  /** The hub only. */
  int[] takeHits() {
    var taken = hits == null ? new int[0] : Arrays.copyOf(hits, hitCount);
    hits = null;
    hitCount = 0;
    return taken;
  }
}
