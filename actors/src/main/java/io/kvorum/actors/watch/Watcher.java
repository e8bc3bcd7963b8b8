package io.kvorum.actors.watch;

import io.kvorum.protocol.etcdserverpb.WatchCreateRequest;
import io.kvorum.protocol.etcdserverpb.WatchCreateRequest.FilterType;
import io.kvorum.protocol.mvccpb.Event;

/**
 * One accepted create request. Two watchers are the same only if they are the same object, since a
 * client may reuse an id as soon as it has cancelled it.
 */
final class Watcher {
  private final long id;
  private final KeyInterval interval;
  private final long startRevision;
  private final boolean puts;
  private final boolean deletes;
  private final boolean prevKv;
  private final boolean progressNotify;
  private final boolean fragment;

  Watcher(long id, KeyInterval interval, WatchCreateRequest request) {
    this.id = id;
    this.interval = interval;
    this.startRevision = request.getStartRevision();
    // Numbers that name no filter are among the values of the list and match neither.
    this.puts = !request.getFiltersList().contains(FilterType.NOPUT);
    this.deletes = !request.getFiltersList().contains(FilterType.NODELETE);
    this.prevKv = request.getPrevKv();
    this.progressNotify = request.getProgressNotify();
    this.fragment = request.getFragment();
  }

  long id() {
    return id;
  }

  KeyInterval interval() {
    return interval;
  }

  /** As the client asked; 0 for from now on. */
  long startRevision() {
    return startRevision;
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
  boolean admits(Event event) {
    return switch (event.getType()) {
      case PUT -> puts;
      case DELETE -> deletes;
      case UNRECOGNIZED -> true;
    };
  }
}
