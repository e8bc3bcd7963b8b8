package io.kvorum.actors.watch;

import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * What waits for one client, in the order in which it will be sent: answers, events and progress in
 * one queue, because a progress response promises that events came before it.
 *
 * <p>It is not bounded by itself but by those who fill it: answers to requests by {@link
 * #answers()}, live events by the stream's credit, history by one portion, progress by one for each
 * watcher, and the end of a compacted watcher comes once.
 */
final class ResponseQueue {
  private sealed interface Item {}

  private record Answer(WatchResponse response) implements Item {}

  private record Ended(WatchResponse response) implements Item {}

  private record Progress(Tracked tracked, WatchResponse response) implements Item {}

  private record Events(Tracked tracked, Batch batch, boolean charged) implements Item {}

  private final ArrayDeque<Item> items = new ArrayDeque<>();
  private final ArrayDeque<WatchResponse> fragments = new ArrayDeque<>();
  private final StreamPort port;
  private final LongFunction<ResponseHeader> headers;
  private final long fragmentBytes;
  private final EtcdMetrics metrics;
  private int answers;
  private long pendingEvents;

  ResponseQueue(
      StreamPort port,
      LongFunction<ResponseHeader> headers,
      long fragmentBytes,
      EtcdMetrics metrics) {
    this.port = port;
    this.headers = headers;
    this.fragmentBytes = fragmentBytes;
    this.metrics = metrics;
  }

  int size() {
    return items.size() + fragments.size();
  }

  /** Answers to requests of the client that wait. */
  int answers() {
    return answers;
  }

  void addAnswer(WatchResponse response) {
    items.add(new Answer(response));
    answers++;
  }

  /** The end of a watcher that nobody asked for. */
  void addEnd(WatchResponse response) {
    items.add(new Ended(response));
  }

  /** Progress of one watcher by itself. */
  void addProgress(Tracked tracked, WatchResponse response) {
    tracked.progressQueued = true;
    items.add(new Progress(tracked, response));
  }

  /**
   * @param charged whether the stream's credit was charged for it
   */
  void addEvents(Tracked tracked, Batch batch, boolean charged) {
    items.add(new Events(tracked, batch, charged));
    pendingEvents += batch.events().size();
    metrics.watchPendingEvents.add(batch.events().size());
  }

  /** The next response to send, or null. */
  @Nullable WatchResponse poll() {
    var fragment = fragments.poll();
    if (fragment != null) {
      return fragment;
    }
    return switch (items.poll()) {
      case null -> null;
      case Answer(var response) -> {
        answers--;
        yield response;
      }
      case Ended(var response) -> response;
      case Progress(var tracked, var response) -> {
        tracked.progressQueued = false;
        yield response;
      }
      case Events events -> response(events);
    };
  }

  private WatchResponse response(Events events) {
    var batch = events.batch();
    if (events.charged()) {
      port.release(batch);
    }
    int count = batch.events().size();
    pendingEvents -= count;
    metrics.watchPendingEvents.add(-count);
    metrics.watchEvents.add(count);
    events.tracked().quiet = false;
    var header = headers.apply(batch.headerRevision());
    if (!batch.watcher().wantsFragments()) {
      return WatchResponses.events(header, batch);
    }
    List<WatchResponse> pieces = WatchResponses.fragments(header, batch, fragmentBytes);
    fragments.addAll(pieces.subList(1, pieces.size()));
    return pieces.getFirst();
  }

  /** The stream is over; what waited is not pending any more. */
  void close() {
    metrics.watchPendingEvents.add(-pendingEvents);
    pendingEvents = 0;
    items.clear();
    fragments.clear();
  }
}
