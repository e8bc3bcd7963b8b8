package io.kvorum.actors.watch;

import io.kvorum.protocol.etcdserverpb.WatchCreateRequest;
import io.kvorum.protocol.etcdserverpb.WatchCreateRequest.FilterType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One accepted create request, and what its stream knows of it. Two watchers are the same only if
 * they are the same object, since a client may reuse an id as soon as it has cancelled it.
 *
 * <p>What was asked for never changes and is read by the hub as well; all the rest belongs to the
 * stream's thread. There may be very many of these: each field counts.
 */
final class Watcher extends Members.Placed {
  enum State {
    /** Subscribed; the hub has not answered yet. */
    JOINING,
    /** Subscribed; everything up to the newest delivery is in the stream's queue. */
    LEVEL,
    /** Reads the past, together with its {@link Cohort}. */
    LAGGING,
    /** Ended by a compaction; the id stays taken until the client cancels it, as in etcd. */
    COMPACTED
  }

  private final long id;
  private final KeyInterval interval;
  private final long startRevision;
  private final boolean puts;
  private final boolean deletes;
  private final boolean prevKv;
  private final boolean progressNotify;
  private final boolean fragment;

  State state = State.LAGGING;

  /** It has been given everything below; not kept up while LEVEL, nor while in a cohort. */
  long next;

  /** While JOINING or LEVEL. */
  @Nullable Subscription subscription;

  /** While LAGGING. */
  @Nullable Cohort cohort;

  /** No events were sent since the last progress interval. */
  boolean quiet = true;

  /** A progress response of its own waits in the queue. */
  boolean progressQueued;

  /** While revisions are matched: its own of them so far. */
  private @Nullable List<WatchEvent> collected;

  Watcher(long id, KeyInterval interval, WatchCreateRequest request, long next) {
    this.id = id;
    this.interval = interval;
    this.startRevision = request.getStartRevision();
    // Numbers that name no filter are among the values of the list and match neither.
    this.puts = !request.getFiltersList().contains(FilterType.NOPUT);
    this.deletes = !request.getFiltersList().contains(FilterType.NODELETE);
    this.prevKv = request.getPrevKv();
    this.progressNotify = request.getProgressNotify();
    this.fragment = request.getFragment();
    this.next = next;
  }

  long id() {
    return id;
  }

  KeyInterval interval() {
    return interval;
  }

  boolean wantsPrevKv() {
    return prevKv;
  }

  boolean wantsProgress() {
    return progressNotify;
  }

  boolean wantsFragments() {
    return fragment;
  }

  /** Whether the filters let the event pass; the interval is matched elsewhere. */
  boolean admits(WatchEvent event) {
    return event.isPut() ? puts : deletes;
  }

  /**
   * Whether all of its events up to {@code revision} are in the queue, and it has begun by then.
   */
  boolean hasReached(long revision) {
    return startRevision <= revision
        && switch (state) {
          case LEVEL -> true;
          case JOINING -> next > revision;
          case LAGGING, COMPACTED -> false;
        };
  }

  /** Returns whether this is the first. */
  boolean collect(WatchEvent event) {
    if (collected == null) {
      collected = new ArrayList<>(1);
      collected.add(event);
      return true;
    }
    collected.add(event);
    return false;
  }

  List<WatchEvent> takeCollected() {
    var taken = collected == null ? List.<WatchEvent>of() : collected;
    collected = null;
    return taken;
  }
}
