package io.kvorum.actors.watch;

import com.google.protobuf.ByteString;
import io.kvorum.actors.watch.HubReply.Purpose;
import io.kvorum.actors.watch.Watcher.State;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.WatchCancelRequest;
import io.kvorum.protocol.etcdserverpb.WatchCreateRequest;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The watchers of one client stream and what each has been given (etcd 3.7.1, api/v3rpc/watch.go
 * and mvcc/watchable_store.go). One thread, that of the stream; all effects go through {@link
 * Outside}, so that a simulation can drive it. The package's page tells how it works with the hub.
 */
public final class WatchSession {
  private static final String EMPTY_RANGE = "mvcc: watcher range is empty";
  private static final String DUPLICATE_ID = "mvcc: duplicate watch ID provided on the WatchStream";

  /** What a session asks of its surroundings. */
  public interface Outside {
    void tellHub(WatchHub.Message message);

    /** There is something for {@link #onReplies}. Called by the hub. */
    void ring();

    /** Runs a task on the stream's thread, then {@link #poll} is worth a try. Any thread. */
    void later(Runnable task);

    /** The executor had no room for a read: {@link #poll} is to be tried again in a while. */
    void tryAgain();

    /** From now on {@link #onProgressInterval} is called. Called once. */
    void startProgressInterval();

    /** The past cannot be read; the stream cannot go on. */
    void fail(Throwable cause);
  }

  private final WatchStreams.Shared shared;
  private final WatchHub.Settings settings;
  private final LongFunction<ResponseHeader> headers;
  private final Outside outside;
  private final StreamPort port;
  private final ResponseQueue queue;
  private final StreamLags.Mark lag;

  private final WatcherIds watchers = new WatcherIds();
  private final Laggards laggards;
  private long nextFreeId;
  private boolean intervalStarted;
  private boolean intervalAsked;
  private int clientAsks;

  WatchSession(WatchStreams.Shared shared, Outside outside) {
    this.shared = shared;
    this.settings = shared.settings();
    this.headers = shared.headers();
    this.outside = outside;
    this.port = new StreamPort(outside::ring, settings.streamBytes(), shared.budget());
    this.queue = new ResponseQueue(port, headers, settings, shared.metrics());
    this.laggards = new Laggards(shared, outside, port, queue, this::isWatching, this::join);
    this.lag = shared.lags().open();
  }

  /** To be called first. */
  public void open() {
    shared.metrics().watchStreams.increment();
    outside.tellHub(new StreamMessage.Open(port));
  }

  /** To be called last. */
  public void close() {
    queue.close();
    watchers.forEach(this::retire);
    watchers.clear();
    shared.lags().close(lag);
    shared.metrics().watchStreams.decrement();
    // What waits in the port by then is the hub's to give up.
    outside.tellHub(new StreamMessage.Close(port));
  }

  /** Whether the answer to one more request has room. */
  public boolean acceptsRequest() {
    return queue.answers() + clientAsks < settings.controlResponses();
  }

  /**
   * What is to be sent next, or null if there is nothing now. To be called only when the client
   * takes something: it is what makes lagging watchers read on.
   */
  public @Nullable ResponseChunk poll() {
    queue.onDemand();
    laggards.onDemand();
    ResponseChunk chunk = null;
    if (!queue.isEmpty()) {
      var writer = ResponseWriter.begin();
      queue.drainTo(writer);
      chunk = writer.isEmpty() ? null : writer.end();
    }
    showLag();
    return chunk;
  }

  private void showLag() {
    long lacking = laggards.oldest();
    lag.lacks(lacking == 0 ? queue.firstLiveRevision() : lacking);
  }

  /** A request of the client. */
  public void onRequest(WatchRequest request) {
    switch (request.getRequestUnionCase()) {
      case CREATE_REQUEST -> create(request.getCreateRequest());
      case CANCEL_REQUEST -> cancel(request.getCancelRequest());
      case PROGRESS_REQUEST -> askProgress();
      case REQUESTUNION_NOT_SET -> {
        // etcd ignores it.
      }
    }
  }

  /** The hub has rung: everything that it has said since the last time. */
  public void onReplies() {
    port.drain(this::onReply);
    showLag();
  }

  private void onReply(HubReply reply) {
    switch (reply) {
      case HubReply.Opened(var ring) -> laggards.open(ring);
      case HubReply.Joined(var subscriptions, var newest) -> joined(subscriptions, newest);
      case HubReply.Delivered(var deliveries, var behind) -> {
        deliveries.forEach(this::delivered);
        behind.forEach(this::fellBehind);
      }
      case HubReply.Reached(var purpose, var revision) -> {
        switch (purpose) {
          case CLIENT_ASKED -> streamProgress(revision);
          case INTERVAL_PASSED -> watcherProgress(revision);
        }
      }
    }
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
    boolean fromNow = request.getStartRevision() == 0;
    long next = fromNow ? current + 1 : request.getStartRevision();
    var watcher = new Watcher(id, interval, request, next);
    watchers.add(watcher);
    shared.metrics().watchers.increment();
    queue.addAnswer(WatchResponses.created(headers.apply(current), id));
    if (next > current) {
      join(List.of(watcher));
    } else {
      laggards.add(watcher);
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
    return request.getWatchId() != 0 && watchers.get(request.getWatchId()) != null
        ? DUPLICATE_ID
        : null;
  }

  private long takeFreeId() {
    while (watchers.get(nextFreeId) != null) {
      nextFreeId++;
    }
    return nextFreeId++;
  }

  private void cancel(WatchCancelRequest request) {
    var watcher = watchers.remove(request.getWatchId());
    if (watcher != null) {
      leave(watcher);
      retire(watcher);
      queue.addAnswer(WatchResponses.canceled(headers.apply(currentRevision()), watcher.id()));
    }
  }

  private void retire(Watcher watcher) {
    if (watcher.state != State.COMPACTED) {
      shared.metrics().watchers.decrement();
    }
    laggards.remove(watcher);
  }

  // Progress

  private void askProgress() {
    if (!watchers.isEmpty() && laggards.isEmpty()) {
      clientAsks++;
      // The applier answers a write before the hub hears of it; who asks after a write of his own
      // expects a progress that covers it.
      outside.tellHub(new StreamMessage.AskReached(port, Purpose.CLIENT_ASKED, currentRevision()));
    }
  }

  /** All or nothing, and nothing later either: clients repeat the request. */
  private void streamProgress(long revision) {
    clientAsks--;
    if (!watchers.isEmpty() && watchers.all(watcher -> watcher.hasReached(revision))) {
      queue.addAnswer(WatchResponses.progress(headers.apply(revision), WatchResponses.NO_WATCH_ID));
    }
  }

  /** An interval for progress notifications has passed. */
  public void onProgressInterval() {
    if (!intervalAsked) {
      intervalAsked = true;
      outside.tellHub(new StreamMessage.AskReached(port, Purpose.INTERVAL_PASSED, 0));
    }
  }

  private void watcherProgress(long revision) {
    intervalAsked = false;
    long began = System.nanoTime();
    watchers.forEach(
        watcher -> {
          if (watcher.wantsProgress()) {
            if (watcher.quiet && !watcher.progressQueued && watcher.hasReached(revision)) {
              queue.addProgress(
                  watcher, WatchResponses.progress(headers.apply(revision), watcher.id()));
            }
            watcher.quiet = true;
          }
        });
    shared.metrics().watchProgressRound.recordNanos(System.nanoTime() - began);
  }

  // Level watchers

  private void join(List<Watcher> joining) {
    var subscriptions = new ArrayList<Subscription>(joining.size());
    for (var watcher : joining) {
      var subscription = new Subscription(watcher, watcher.next);
      watcher.subscription = subscription;
      watcher.state = State.JOINING;
      subscriptions.add(subscription);
    }
    outside.tellHub(new StreamMessage.Join(port, subscriptions));
  }

  private void leave(Watcher watcher) {
    if (watcher.subscription != null) {
      outside.tellHub(new StreamMessage.Leave(port, watcher.subscription));
      watcher.subscription = null;
    }
  }

  private static boolean holds(Subscription subscription) {
    return subscription.watcher().subscription == subscription;
  }

  /**
   * The subscriptions hold behind {@code newest}; what was published before is taken from the ring.
   */
  private void joined(List<Subscription> subscriptions, long newest) {
    var missing = new ArrayList<Watcher>();
    long from = newest + 1;
    for (var subscription : subscriptions) {
      var watcher = subscription.watcher();
      if (holds(subscription)) {
        watcher.state = State.LEVEL;
        if (watcher.next <= newest) {
          missing.add(watcher);
          from = Math.min(from, watcher.next);
        }
      }
    }
    if (!missing.isEmpty()) {
      fillGap(missing, from, newest);
    }
  }

  private void fillGap(List<Watcher> missing, long from, long newest) {
    if (!laggards.fillGap(missing, from, newest)) {
      for (var watcher : missing) {
        leave(watcher);
        laggards.add(watcher);
      }
    }
  }

  private void delivered(Delivery delivery) {
    int events = 0;
    var subscriptions = delivery.subscriptions();
    for (int i = 0; i < subscriptions.length; i++) {
      var subscription = subscriptions[i];
      if (subscription != null && holds(subscription)) {
        events += delivery.eventCount(i);
      } else {
        subscriptions[i] = null;
      }
    }
    if (events == 0) {
      port.release(delivery.charge());
    } else {
      queue.addLive(delivery, events);
    }
  }

  private void fellBehind(HubReply.Behind behind) {
    if (holds(behind.subscription())) {
      var watcher = behind.subscription().watcher();
      watcher.subscription = null;
      watcher.next = behind.nextRevision();
      laggards.add(watcher);
    }
  }

  /** It is time for what {@link Outside#tryAgain} was asked for. */
  public void onTryAgain() {
    laggards.onTryAgain();
  }

  private boolean isWatching(Watcher watcher) {
    return watchers.get(watcher.id()) == watcher;
  }

  private long currentRevision() {
    return shared.currentRevision();
  }
}
