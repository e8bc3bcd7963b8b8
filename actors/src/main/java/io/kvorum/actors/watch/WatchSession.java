package io.kvorum.actors.watch;

import com.google.protobuf.ByteString;
import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.actors.watch.CatchUp.Lagging;
import io.kvorum.actors.watch.HubReply.Purpose;
import io.kvorum.actors.watch.Tracked.State;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.WatchCancelRequest;
import io.kvorum.protocol.etcdserverpb.WatchCreateRequest;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The watchers of one client stream and what each has been given (etcd 3.7.1, api/v3rpc/watch.go
 * and mvcc/watchable_store.go). One thread, that of the stream; all effects go through {@link
 * Outside}. The package's page tells how it works with the hub.
 */
final class WatchSession {
  /** With this much in the queue or less, the next portion of the past is read. */
  private static final int CATCH_UP_QUEUE = 1;

  /** Bounds what a portion can become when many watchers of a stream match all of it. */
  private static final int PORTION_WATCHER_REVISIONS = 65_536;

  private static final int PORTION_REVISIONS_MIN = 16;

  private static final String EMPTY_RANGE = "mvcc: watcher range is empty";
  private static final String DUPLICATE_ID = "mvcc: duplicate watch ID provided on the WatchStream";

  /** What a session asks of its surroundings. */
  interface Outside {
    void tellHub(StreamMessage message);

    /** Runs {@link CatchUp#read} elsewhere; the result comes back through {@link #onHistory}. */
    void readHistory(CatchUp.Request request);

    /** From now on {@link #onProgressInterval} is called. Called once. */
    void startProgressInterval();
  }

  private final WatchHub.Settings settings;
  private final Supplier<ReadView> views;
  private final LongFunction<ResponseHeader> headers;
  private final EtcdMetrics metrics;
  private final StreamPort port;
  private final Outside outside;
  private final ResponseQueue queue;

  private final Map<Long, Tracked> trackedById = new HashMap<>();
  private final LinkedHashSet<Tracked> lagging = new LinkedHashSet<>();
  private @Nullable RevisionRing ring;
  private long nextFreeId;
  private boolean reading;
  private boolean intervalStarted;
  private boolean intervalAsked;
  private int clientAsks;

  WatchSession(
      WatchHub.Settings settings,
      Supplier<ReadView> views,
      LongFunction<ResponseHeader> headers,
      EtcdMetrics metrics,
      StreamPort port,
      Outside outside) {
    this.settings = settings;
    this.views = views;
    this.headers = headers;
    this.metrics = metrics;
    this.port = port;
    this.outside = outside;
    this.queue = new ResponseQueue(port, headers, settings.fragmentBytes(), metrics);
  }

  void open() {
    metrics.watchStreams.increment();
    outside.tellHub(new StreamMessage.Open(port));
  }

  void close() {
    outside.tellHub(new StreamMessage.Close(port));
    queue.close();
    List.copyOf(trackedById.values()).forEach(this::retire);
    trackedById.clear();
    metrics.watchStreams.decrement();
  }

  /** Whether the answer to one more request has room. */
  boolean acceptsRequest() {
    return queue.answers() + clientAsks < settings.controlResponses();
  }

  /** The next response to send, or null; call {@link #advance} after it was sent. */
  @Nullable WatchResponse poll() {
    return queue.poll();
  }

  void onRequest(WatchRequest request) {
    switch (request.getRequestUnionCase()) {
      case CREATE_REQUEST -> create(request.getCreateRequest());
      case CANCEL_REQUEST -> cancel(request.getCancelRequest());
      case PROGRESS_REQUEST -> askProgress();
      case REQUESTUNION_NOT_SET -> {
        // etcd ignores it.
      }
    }
    advance();
  }

  void onReply(HubReply reply) {
    switch (reply) {
      case HubReply.Opened(var newestRevisions) -> ring = newestRevisions;
      case HubReply.Joined(var subscriptions, var newest) -> joined(subscriptions, newest);
      case HubReply.Delivered(var live, var behind) -> {
        live.forEach(this::delivered);
        behind.forEach(this::fellBehind);
      }
      case HubReply.Reached(var purpose, var revision) -> {
        switch (purpose) {
          case CLIENT_ASKED -> streamProgress(revision);
          case INTERVAL_PASSED -> watcherProgress(revision);
        }
      }
    }
    advance();
  }

  void onHistory(CatchUp.Result result) {
    reading = false;
    switch (result) {
      case CatchUp.Portion portion -> take(portion);
      case CatchUp.Compacted(var compactedRevision) -> endCompacted(compactedRevision);
    }
    advance();
  }

  /** The executor had no room for the read: it is asked for anew. */
  void onHistoryRefused() {
    reading = false;
    advance();
  }

  // Requests

  private void create(WatchCreateRequest request) {
    long current = currentRevision();
    var refusal = refusal(request);
    if (refusal != null) {
      queue.addAnswer(WatchResponses.refused(headers.apply(current), refusal));
      return;
    }
    long id = request.getWatchId() == 0 ? takeFreeId() : request.getWatchId();
    var interval = KeyInterval.of(request.getKey(), request.getRangeEnd());
    var watcher = new Watcher(id, interval, request);
    boolean fromNow = request.getStartRevision() == 0;
    var tracked = new Tracked(watcher, fromNow ? current + 1 : request.getStartRevision());
    trackedById.put(id, tracked);
    metrics.watchers.increment();
    queue.addAnswer(WatchResponses.created(headers.apply(current), id));
    if (tracked.next > current) {
      join(List.of(tracked));
    } else {
      lag(tracked);
    }
    if (watcher.wantsProgress() && !intervalStarted) {
      intervalStarted = true;
      outside.startProgressInterval();
    }
  }

  /** The reason why a watcher cannot be created, in etcd's order of checks, or null. */
  private @Nullable String refusal(WatchCreateRequest request) {
    if (request.getStartRevision() < 0) {
      return EtcdError.COMPACTED.text();
    }
    // Permission to read the range is checked here, once authentication exists: neither an empty
    // range nor an id in use is told to somebody who may not read it.
    ByteString key = request.getKey();
    if (KeyInterval.isEmptyRange(key, request.getRangeEnd())) {
      return EMPTY_RANGE;
    }
    return trackedById.containsKey(request.getWatchId()) && request.getWatchId() != 0
        ? DUPLICATE_ID
        : null;
  }

  private long takeFreeId() {
    while (trackedById.containsKey(nextFreeId)) {
      nextFreeId++;
    }
    return nextFreeId++;
  }

  private void cancel(WatchCancelRequest request) {
    var tracked = trackedById.remove(request.getWatchId());
    if (tracked != null) {
      leave(tracked);
      retire(tracked);
      queue.addAnswer(
          WatchResponses.canceled(headers.apply(currentRevision()), request.getWatchId()));
    }
  }

  private void retire(Tracked tracked) {
    unlag(tracked);
    if (tracked.state != State.COMPACTED) {
      metrics.watchers.decrement();
    }
  }

  // Progress

  private void askProgress() {
    boolean anyHopeless =
        trackedById.values().stream()
            .anyMatch(t -> t.state == State.LAGGING || t.state == State.COMPACTED);
    if (!trackedById.isEmpty() && !anyHopeless) {
      clientAsks++;
      // The applier answers a write before the hub hears of it; who asks after a write of his own
      // expects a progress that covers it.
      outside.tellHub(new StreamMessage.AskReached(port, Purpose.CLIENT_ASKED, currentRevision()));
    }
  }

  /** All or nothing, and nothing later either: clients repeat the request. */
  private void streamProgress(long revision) {
    clientAsks--;
    if (!trackedById.isEmpty()
        && trackedById.values().stream().allMatch(t -> t.hasReached(revision))) {
      queue.addAnswer(WatchResponses.progress(headers.apply(revision), WatchResponses.NO_WATCH_ID));
    }
  }

  void onProgressInterval() {
    if (!intervalAsked) {
      intervalAsked = true;
      outside.tellHub(new StreamMessage.AskReached(port, Purpose.INTERVAL_PASSED, 0));
    }
  }

  private void watcherProgress(long revision) {
    intervalAsked = false;
    for (var tracked : trackedById.values()) {
      if (tracked.watcher.wantsProgress()) {
        if (tracked.quiet && !tracked.progressQueued && tracked.hasReached(revision)) {
          queue.addProgress(
              tracked, WatchResponses.progress(headers.apply(revision), tracked.watcher.id()));
        }
        tracked.quiet = true;
      }
    }
  }

  // Level watchers

  private void join(List<Tracked> watchers) {
    var subscriptions = new ArrayList<Subscription>(watchers.size());
    for (var tracked : watchers) {
      var subscription = new Subscription(tracked.watcher, tracked.next);
      tracked.subscription = subscription;
      tracked.state = State.JOINING;
      subscriptions.add(subscription);
    }
    outside.tellHub(new StreamMessage.Join(port, subscriptions));
  }

  private void leave(Tracked tracked) {
    if (tracked.subscription != null) {
      outside.tellHub(new StreamMessage.Leave(port, tracked.subscription));
      tracked.subscription = null;
    }
  }

  /** The watcher of a subscription that is still in force. */
  private @Nullable Tracked holder(Subscription subscription) {
    var tracked = trackedById.get(subscription.watcher().id());
    return tracked != null && tracked.subscription == subscription ? tracked : null;
  }

  /**
   * The subscriptions hold behind {@code newest}; what was published before is taken from the ring.
   */
  private void joined(List<Subscription> subscriptions, long newest) {
    var missing = new ArrayList<Lagging>();
    long from = newest + 1;
    for (var subscription : subscriptions) {
      var tracked = holder(subscription);
      if (tracked != null && tracked.next <= newest) {
        missing.add(new Lagging(tracked.watcher, tracked.next));
        from = Math.min(from, tracked.next);
      }
      if (tracked != null) {
        tracked.state = State.LEVEL;
      }
    }
    if (!missing.isEmpty()) {
      fillGap(missing, from, newest);
    }
  }

  private void fillGap(List<Lagging> missing, long from, long newest) {
    var request = request(missing, from);
    var entries = ring == null ? null : ring.read(request, newest);
    if (entries != null && entries.getLast().revision() == newest) {
      enqueue(CatchUp.match(request, entries, newest + 1, newest), State.LEVEL);
      return;
    }
    for (var behind : missing) {
      var tracked = trackedById.get(behind.watcher().id());
      if (tracked != null && tracked.watcher == behind.watcher()) {
        leave(tracked);
        lag(tracked);
      }
    }
  }

  private void delivered(HubReply.Live live) {
    var tracked = holder(live.subscription());
    if (tracked == null) {
      port.release(live.batch());
    } else {
      queue.addEvents(tracked, live.batch(), true);
    }
  }

  private void fellBehind(HubReply.Behind behind) {
    var tracked = holder(behind.subscription());
    if (tracked != null) {
      tracked.subscription = null;
      tracked.next = behind.nextRevision();
      lag(tracked);
    }
  }

  // Lagging watchers

  private void lag(Tracked tracked) {
    tracked.state = State.LAGGING;
    if (lagging.add(tracked)) {
      metrics.slowWatchers.increment();
    }
  }

  private void unlag(Tracked tracked) {
    if (lagging.remove(tracked)) {
      metrics.slowWatchers.decrement();
    }
  }

  /** Reads on for lagging watchers as far as the client has taken what there was. */
  void advance() {
    while (!reading && !lagging.isEmpty() && queue.size() <= CATCH_UP_QUEUE) {
      catchUp(lagging.getFirst().next);
    }
  }

  private void catchUp(long from) {
    long current;
    long compacted;
    try (var view = views.get()) {
      current = view.currentRevision();
      compacted = view.compactedRevision();
    }
    long published = ring == null ? current : Math.min(current, ring.newest());
    if (from < compacted) {
      endCompacted(compacted);
    } else if (from > published) {
      joinAllFrom(published + 1);
    } else {
      var watchers = new ArrayList<Lagging>(lagging.size());
      for (var tracked : lagging) {
        if (tracked.next >= from) {
          watchers.add(new Lagging(tracked.watcher, tracked.next));
        }
      }
      var request = request(watchers, from);
      var entries = ring == null ? null : ring.read(request, published);
      if (entries == null) {
        reading = true;
        outside.readHistory(request);
      } else {
        take(CatchUp.match(request, entries, entries.getLast().revision() + 1, current));
      }
    }
  }

  private CatchUp.Request request(List<Lagging> watchers, long from) {
    int revisions =
        Math.clamp(
            PORTION_WATCHER_REVISIONS / watchers.size(),
            Math.min(PORTION_REVISIONS_MIN, settings.portionRevisions()),
            settings.portionRevisions());
    return new CatchUp.Request(watchers, from, revisions, settings.portionBytes());
  }

  private void joinAllFrom(long revision) {
    var level = lagging.stream().filter(t -> t.next >= revision).toList();
    level.forEach(this::unlag);
    join(level);
  }

  private void take(CatchUp.Portion portion) {
    enqueue(portion, State.LAGGING);
    for (var read : portion.request().lagging()) {
      var tracked = trackedById.get(read.watcher().id());
      if (tracked != null && tracked.watcher == read.watcher() && lagging.contains(tracked)) {
        tracked.next = Math.max(tracked.next, portion.next());
      }
    }
    // The one that was served goes to the end of the line.
    if (lagging.size() > 1) {
      var first = lagging.getFirst();
      lagging.remove(first);
      lagging.addLast(first);
    }
  }

  private void enqueue(CatchUp.Portion portion, State expected) {
    for (var batch : portion.batches()) {
      var tracked = trackedById.get(batch.watcher().id());
      if (tracked != null && tracked.watcher == batch.watcher() && tracked.state == expected) {
        queue.addEvents(tracked, batch, false);
      }
    }
  }

  /** Ends all lagging watchers that still need what a compaction has taken. */
  private void endCompacted(long compactedRevision) {
    for (var tracked : List.copyOf(lagging)) {
      if (tracked.next < compactedRevision) {
        retire(tracked);
        tracked.state = State.COMPACTED;
        // etcd leaves the header's revision at 0 here and gives no reason.
        queue.addEnd(
            WatchResponses.compacted(headers.apply(0), tracked.watcher.id(), compactedRevision));
      }
    }
  }

  private long currentRevision() {
    try (var view = views.get()) {
      return view.currentRevision();
    }
  }
}
