package io.kvorum.actors.watch;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.etcdserverpb.WatchCreateRequest;
import io.kvorum.protocol.etcdserverpb.WatchCreateRequest.FilterType;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import io.kvorum.protocol.mvccpb.Event;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one stream's responses must be, said as simply as possible: each watcher receives exactly
 * the matching events of the whole history from its start on, in order.
 */
final class WatchModel {
  /** One watcher and how much of its due has come. */
  static final class Expected {
    final WatchCreateRequest request;
    final long id;
    final long from;

    /** The revision of the last event that came. */
    long received;

    /** Nothing up to here is due any more. */
    long delivered;

    boolean ended;
    boolean compacted;
    final List<Event> fragments = new ArrayList<>();

    Expected(WatchCreateRequest request, long id, long from) {
      this.request = request;
      this.id = id;
      this.from = from;
      this.received = from - 1;
      this.delivered = from - 1;
    }

    boolean matches(Event event) {
      var key = event.getKv().getKey();
      var end = request.getRangeEnd();
      var order = ByteString.unsignedLexicographicalComparator();
      boolean inRange =
          end.isEmpty()
              ? key.equals(request.getKey())
              : order.compare(key, request.getKey()) >= 0
                  && (end.equals(ByteString.copyFrom(new byte[1])) || order.compare(key, end) < 0);
      boolean put = event.getType() == Event.EventType.PUT;
      return inRange
          && !request.getFiltersList().contains(put ? FilterType.NOPUT : FilterType.NODELETE);
    }
  }

  private final FakeStore store;
  private final List<WatchCreateRequest> unanswered = new ArrayList<>();
  final Map<Long, Expected> byId = new HashMap<>();

  WatchModel(FakeStore store) {
    this.store = store;
  }

  void sent(WatchCreateRequest request) {
    unanswered.add(request);
  }

  void receive(WatchResponse response) {
    if (response.getCreated()) {
      created(response);
      return;
    }
    if (response.getWatchId() == -1) {
      byId.values().forEach(w -> promised(w, response.getHeader().getRevision()));
      return;
    }
    var watcher = byId.get(response.getWatchId());
    if (watcher == null || watcher.ended) {
      throw new AssertionError("for a watcher that is not: " + response);
    }
    if (response.getCanceled()) {
      canceled(watcher, response);
    } else if (response.getEventsCount() == 0) {
      promised(watcher, response.getHeader().getRevision());
    } else {
      events(watcher, response);
    }
  }

  private void created(WatchResponse response) {
    var request = unanswered.removeFirst();
    require(!response.getCanceled(), "refused", response);
    long current = response.getHeader().getRevision();
    long from = request.getStartRevision() == 0 ? current + 1 : request.getStartRevision();
    var before =
        byId.put(response.getWatchId(), new Expected(request, response.getWatchId(), from));
    require(before == null || before.ended, "the id is in use", response);
  }

  private void canceled(Expected watcher, WatchResponse response) {
    watcher.ended = !watcher.compacted && response.getCompactRevision() == 0 || watcher.compacted;
    if (response.getCompactRevision() != 0) {
      require(!watcher.compacted, "compacted twice", response);
      require(response.getHeader().getRevision() == 0, "header", response);
      require(watcher.received + 1 < response.getCompactRevision(), "not overtaken", response);
      require(response.getCompactRevision() <= store.compacted(), "not compacted", response);
      watcher.compacted = true;
    }
  }

  /** All that the watcher is due up to the revision must have come. */
  private void promised(Expected watcher, long revision) {
    if (!watcher.ended) {
      var missing = nextDue(watcher);
      if (watcher.compacted || missing != null && missing.revision() <= revision) {
        throw new AssertionError(
            "progress to " + revision + " but " + watcher.id + " lacks " + missing);
      }
    }
  }

  private void events(Expected watcher, WatchResponse response) {
    require(!watcher.compacted, "events after the end", response);
    require(!response.getFragment() || watcher.request.getFragment(), "fragment", response);
    watcher.fragments.addAll(response.getEventsList());
    if (response.getFragment()) {
      return;
    }
    var events = List.copyOf(watcher.fragments);
    watcher.fragments.clear();
    int at = 0;
    while (at < events.size()) {
      var due = nextDue(watcher);
      if (due == null) {
        throw new AssertionError("nothing is due: " + response);
      }
      for (var event : due.events()) {
        require(at < events.size(), "a revision is split", response);
        same(watcher, event, events.get(at++), response);
      }
      watcher.received = due.revision();
      watcher.delivered = due.revision();
    }
    require(response.getHeader().getRevision() >= watcher.delivered, "header", response);
  }

  private void same(Expected watcher, Event due, Event received, WatchResponse response) {
    var plain = due.toBuilder().clearPrevKv().build();
    require(plain.equals(received.toBuilder().clearPrevKv().build()), "not " + due, response);
    if (received.hasPrevKv()) {
      require(watcher.request.getPrevKv(), "unwanted previous value", response);
      require(due.getPrevKv().equals(received.getPrevKv()), "wrong previous value", response);
    } else if (due.hasPrevKv() && watcher.request.getPrevKv()) {
      require(
          due.getKv().getModRevision() - 1 < store.compacted(), "lacks previous value", response);
    }
  }

  /** The matching events of the first revision of which the watcher has had none; null if none. */
  @Nullable RevisionEvents nextDue(Expected watcher) {
    var all = store.all();
    for (long r = Math.max(watcher.delivered + 1, 2); r - 2 < all.size(); r++) {
      var due = all.get((int) (r - 2)).events().stream().filter(watcher::matches).toList();
      if (!due.isEmpty()) {
        return new RevisionEvents(r, due);
      }
      // Never looked at again.
      watcher.delivered = r;
    }
    return null;
  }

  boolean isComplete() {
    return unanswered.isEmpty()
        && byId.values().stream().allMatch(w -> w.ended || w.compacted || nextDue(w) == null);
  }

  private static void require(boolean holds, String what, WatchResponse response) {
    if (!holds) {
      throw new AssertionError(what + ": " + response);
    }
  }
}
