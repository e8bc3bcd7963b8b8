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
 * #answers()}, live events by the stream's credit, history by one portion, which is charged too,
 * progress by one for each watcher, and the end of a compacted watcher comes once.
 */
final class ResponseQueue {
  sealed interface Item permits Answer, Ended, Progress, Past, Delivery {}

  record Answer(WatchResponse response) implements Item {}

  record Ended(WatchResponse response) implements Item {}

  record Progress(Watcher watcher, WatchResponse response) implements Item {}

  /**
   * Events of one or more whole revisions, in order.
   *
   * @param charge what was taken from the stream's credit
   */
  record Past(Watcher watcher, List<WatchEvent> events, long headerRevision, long charge)
      implements Item {}

  private static final long NONE = -1;

  private final ArrayDeque<Item> items = new ArrayDeque<>();
  private final StreamPort port;
  private final LongFunction<ResponseHeader> headers;
  private final WatchHub.Settings settings;
  private final EtcdMetrics metrics;
  private int answers;
  private int past;
  private long pendingEvents;

  /** How many subscriptions of the delivery that comes first have been served. */
  private int served;

  private long headerRevision = NONE;
  private byte[] header = {};
  private int sentEvents;
  private int sentWithEvents;
  private int sentAnswers;

  /** Charged for what was written last, which is somewhere between here and the client. */
  private long takenCharge;

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

  /** Whether anything of a portion of the past waits. */
  boolean holdsPast() {
    return past > 0;
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

  /** Charges the stream's credit; the watchers share the events, so the last one gives it back. */
  void addPast(Portion portion, long headerRevision) {
    var watchers = portion.touched();
    if (!watchers.isEmpty()) {
      port.charge(portion.bytes());
    }
    for (int i = 0; i < watchers.size(); i++) {
      var events = watchers.get(i).takeCollected();
      long charge = i + 1 < watchers.size() ? 0 : portion.bytes();
      items.add(new Past(watchers.get(i), events, headerRevision, charge));
      past++;
      pending(events.size());
    }
  }

  private void pending(int events) {
    pendingEvents += events;
    metrics.watchPendingEvents.add(events);
  }

  /**
   * The client has room for more: only by that is it known that it has taken what was written
   * before. If it stops reading, this much waits in the connection's buffers.
   */
  void onDemand() {
    if (takenCharge > 0) {
      port.release(takenCharge);
      takenCharge = 0;
    }
  }

  /** Writes what comes first until the chunk is full or nothing is left. */
  void drainTo(ResponseWriter writer) {
    headerRevision = NONE;
    sentEvents = 0;
    sentWithEvents = 0;
    sentAnswers = 0;
    long began = System.nanoTime();
    while (writer.bytes() < settings.chunkBytes()) {
      var item = items.peek();
      if (item == null) {
        break;
      }
      if (write(item, writer)) {
        items.remove();
      }
    }
    count(System.nanoTime() - began);
  }

  /** Each response has its share of the time that all took, so that the clock is read once. */
  private void count(long nanos) {
    int sent = Math.max(1, sentWithEvents + sentAnswers);
    metrics.watchAnswerSend.recordNanos(nanos / sent, sentAnswers);
    if (sentEvents > 0) {
      pendingEvents -= sentEvents;
      metrics.watchPendingEvents.add(-sentEvents);
      metrics.watchEvents.add(sentEvents);
      metrics.watchEventsSend.recordNanos(nanos / sent, sentWithEvents);
      long ofEvents = nanos / sent * sentWithEvents;
      metrics.watchPerEventSend.recordNanos(ofEvents / sentEvents, sentWithEvents);
    }
  }

  /** Returns whether nothing is left of it. */
  private boolean write(Item item, ResponseWriter writer) {
    switch (item) {
      case Answer(var response) -> {
        answers--;
        sentAnswers++;
        writer.add(response);
      }
      case Ended(var response) -> {
        sentAnswers++;
        writer.add(response);
      }
      case Progress(var watcher, var response) -> {
        watcher.progressQueued = false;
        writer.add(response);
      }
      case Past(var watcher, var events, var revision, var charge) -> {
        past--;
        write(watcher, events, revision, writer);
        takenCharge += charge;
      }
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
    takenCharge += delivery.charge();
    return true;
  }

  private void write(
      Watcher watcher, List<WatchEvent> events, long revision, ResponseWriter writer) {
    if (revision != headerRevision) {
      header = headers.apply(revision).toByteArray();
      headerRevision = revision;
    }
    sentEvents += events.size();
    sentWithEvents++;
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
    onDemand();
    for (var item : items) {
      switch (item) {
        case Delivery delivery -> port.release(delivery.charge());
        case Past past -> port.release(past.charge());
        case Answer _, Ended _, Progress _ -> {
          // costs no credit
        }
      }
    }
    items.clear();
  }
}
