package io.kvorum.actors.watch;

import org.jspecify.annotations.Nullable;

/** What a session knows of one of its watchers. */
final class Tracked {
  enum State {
    /** Subscribed; the hub has not answered yet. */
    JOINING,
    /** Subscribed; everything up to the newest delivery is in the stream's queue. */
    LEVEL,
    /** Reads the past by itself. */
    LAGGING,
    /** Ended by a compaction; the id stays taken until the client cancels it, as in etcd. */
    COMPACTED
  }

  final Watcher watcher;
  State state = State.LAGGING;

  /** The first revision that has not been put into the queue; not kept up while LEVEL. */
  long next;

  /** While JOINING or LEVEL. */
  @Nullable Subscription subscription;

  /** No events were sent since the last progress interval. */
  boolean quiet = true;

  /** A progress response of its own waits in the queue. */
  boolean progressQueued;

  Tracked(Watcher watcher, long next) {
    this.watcher = watcher;
    this.next = next;
  }

  /**
   * Whether all of its events up to {@code revision} are in the queue, and it has begun by then.
   */
  boolean hasReached(long revision) {
    return watcher.startRevision() <= revision
        && switch (state) {
          case LEVEL -> true;
          case JOINING -> next > revision;
          case LAGGING, COMPACTED -> false;
        };
  }
}
