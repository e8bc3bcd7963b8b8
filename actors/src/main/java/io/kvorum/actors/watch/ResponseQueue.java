package io.kvorum.actors.watch;

import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.LongFunction;

/**
 * What waits for one client, in the order in which it will be sent: answers, events and progress in
 * one queue, because a progress response promises that events came before it.
 *
 * <p>It is not bounded by itself but by those who fill it: answers to requests by {@link
 * #answers()}, live events by the stream's credit, history by one portion, progress by one for each
 * watcher, and the end of a compacted watcher comes once.
 */
final class ResponseQueue {
  sealed interface Item permits Answer, Ended, Progress, Past, Delivery {}

  record Answer(WatchResponse response) implements Item {}

  record Ended(WatchResponse response) implements Item {}

  record Progress(Watcher watcher, WatchResponse response) implements Item {}

  /** Events of one or more whole revisions, in order. */
  record Past(Watcher watcher, List<WatchEvent> events, long headerRevision) implements Item {}

  private static final long NONE = -1;

  private final ArrayDeque<Item> items = new ArrayDeque<>();
  private final StreamPort port;
  private final LongFunction<ResponseHeader> headers;
  private final WatchHub.Settings settings;
  private final EtcdMetrics metrics;
  private int answers;
  private long pendingEvents;

  /** How many subscriptions of the delivery that comes first have been served. */
  private int served;

  private long headerRevision = NONE;
  private byte[] header = {};
  private int sentEvents;

  ResponseQueue(
      StreamPort port,
      LongFunction<ResponseHeader> headers,
      WatchHub.Settings settings,
      EtcdMetrics metrics) {
    this.port = port;
    this.headers = headers;
    this.settings = settings;
    this.metrics = metrics;
  }

  boolean isEmpty() {
    return items.isEmpty();
  }

  /** Answers to requests of the client that wait. */
  int answers() {
    return answers;
  }

  /** The revision of the live events that come first, or 0. */
  long firstLiveRevision() {
    return items.peek() instanceof Delivery first ? first.entry().revision() : 0;
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
  void addProgress(Watcher watcher, WatchResponse response) {
    watcher.progressQueued = true;
    items.add(new Progress(watcher, response));
  }

  /** Live events; the stream's credit was charged for them. */
  void addLive(Delivery delivery, int events) {
    items.add(delivery);
    pending(events);
  }

  void addPast(Watcher watcher, List<WatchEvent> events, long headerRevision) {
    items.add(new Past(watcher, events, headerRevision));
    pending(events.size());
  }

  private void pending(int events) {
    pendingEvents += events;
    metrics.watchPendingEvents.add(events);
  }

  /** Writes what comes first until the chunk is full or nothing is left. */
  void drainTo(ResponseWriter writer) {
    headerRevision = NONE;
    sentEvents = 0;
    while (writer.bytes() < settings.chunkBytes()) {
      var item = items.peek();
      if (item == null) {
        break;
      }
      if (write(item, writer)) {
        items.remove();
      }
    }
    if (sentEvents > 0) {
      pendingEvents -= sentEvents;
      metrics.watchPendingEvents.add(-sentEvents);
      metrics.watchEvents.add(sentEvents);
    }
  }

  /** Returns whether nothing is left of it. */
  private boolean write(Item item, ResponseWriter writer) {
    switch (item) {
      case Answer(var response) -> {
        answers--;
        writer.add(response);
      }
      case Ended(var response) -> writer.add(response);
      case Progress(var watcher, var response) -> {
        watcher.progressQueued = false;
        writer.add(response);
      }
      case Past(var watcher, var events, var revision) -> write(watcher, events, revision, writer);
      case Delivery delivery -> {
        return writeNextOf(delivery, writer);
      }
    }
    return true;
  }

  private boolean writeNextOf(Delivery delivery, ResponseWriter writer) {
    int place = served++;
    var subscription = delivery.subscriptions()[place];
    if (subscription != null) {
      var revision = delivery.entry().revision();
      write(subscription.watcher(), delivery.events(place), revision, writer);
    }
    if (served < delivery.subscriptions().length) {
      return false;
    }
    served = 0;
    port.release(delivery.charge());
    return true;
  }

  private void write(
      Watcher watcher, List<WatchEvent> events, long revision, ResponseWriter writer) {
    if (revision != headerRevision) {
      header = headers.apply(revision).toByteArray();
      headerRevision = revision;
    }
    sentEvents += events.size();
    watcher.quiet = false;
    if (watcher.wantsFragments()) {
      writer.addFragments(
          header, watcher.id(), events, watcher.wantsPrevKv(), settings.fragmentBytes());
    } else {
      writer.add(header, watcher.id(), events, watcher.wantsPrevKv());
    }
  }

  /** The stream is over; what waited is not pending any more. */
  void close() {
    metrics.watchPendingEvents.add(-pendingEvents);
    pendingEvents = 0;
    for (var item : items) {
      if (item instanceof Delivery delivery) {
        port.release(delivery.charge());
      }
    }
    items.clear();
  }
}
