package io.kvorum.actors.watch;

import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.persistence.mvcc.RevisionEvents;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What the {@link WatchHub} does, message by message, without an actor around it: a simulation
 * drives it too. One thread at a time.
 */
public final class WatchFanout {
  /**
   * Work for one message: deliveries made, and revisions. What is left waits behind the messages
   * that have come meanwhile, so that the ring never falls behind the writers.
   */
  private static final int SPREAD_DELIVERIES = 16_384;

  private static final int SPREAD_REVISIONS = 1024;

  /** However small the ring is, this much work left is not yet too much. */
  private static final long ARREARS_MIN_REVISIONS = 64;

  private final WatchHub.PreviousValues previousValues;
  private final Runnable again;
  private final RevisionRing ring;
  private final Map<StreamPort, HubStream> streams = new HashMap<>();
  private final WatcherIndex<Subscription> index = new WatcherIndex<>();

  /** Bounded for each stream: as many as it may have answers waiting, and one for its interval. */
  private final List<StreamMessage.AskReached> waiting = new ArrayList<>();

  /** Streams that get something at the end of the present message. */
  private final List<HubStream> dirty = new ArrayList<>();

  /** Streams that get something of the revision at hand. */
  private final List<HubStream> touched = new ArrayList<>();

  /** Events up to this revision have been handed to the subscriptions that match. */
  private long spreadTo;

  private boolean spreading;
  private int streamsWantingPrevKv;

  /**
   * @param views the keyspace; what it holds now is history, what is published later is live
   * @param previousValues told whether any watcher wants them
   * @param again asks for {@link #goOn} behind the messages that wait by then
   */
  public WatchFanout(
      WatchHub.Settings settings,
      Supplier<ReadView> views,
      WatchHub.PreviousValues previousValues,
      Runnable again) {
    this.previousValues = previousValues;
    this.again = again;
    try (var view = views.get()) {
      this.ring =
          new RevisionRing(settings.ringRevisions(), settings.ringBytes(), view.currentRevision());
    }
    this.spreadTo = ring.newest();
  }

  RevisionRing ring() {
    return ring;
  }

  /** Handles what the applier's side or a stream says. */
  public void onMessage(WatchHub.Message message) {
    switch (message) {
      case WatchHub.Publish(var revisions) -> publish(revisions);
      case WatchHub.Jump(var currentRevision) -> jump(currentRevision);
      case WatchHub.Spread.NEXT -> goOn();
      case PublisherMessage.Offered offered -> {
        offered.from().taken(offered.bytes());
        publish(offered.revisions());
      }
      case PublisherMessage.Skipped(var from) -> jump(from.takeSkipped());
      case StreamMessage.Open(var port) -> {
        streams.put(port, new HubStream(port));
        port.reply(new HubReply.Opened(ring));
      }
      case StreamMessage.Join join -> join(join);
      case StreamMessage.Leave(_, var subscription) -> remove(subscription);
      case StreamMessage.AskReached ask -> {
        if (!answer(ask)) {
          waiting.add(ask);
        }
      }
      case StreamMessage.Close(var port) -> close(port);
    }
  }

  /** The next part of the work that was left. */
  public void goOn() {
    spreading = false;
    spread();
  }

  private void join(StreamMessage.Join join) {
    var stream = streams.get(join.stream());
    if (stream == null) {
      throw new IllegalStateException("a stream that is not open joins with " + join);
    }
    for (var subscription : join.subscriptions()) {
      if (subscription.watcher().wantsPrevKv() && !stream.wantsPrevKv) {
        // For as long as the stream lasts: its watchers come and go between here and history.
        stream.wantsPrevKv = true;
        streamsWantingPrevKv++;
        previousValues.wanted(true);
      }
      stream.add(subscription);
      index.add(subscription.watcher().interval(), subscription);
    }
    join.stream().reply(new HubReply.Joined(join.subscriptions(), spreadTo));
  }

  private void close(StreamPort port) {
    var stream = streams.remove(port);
    if (stream != null) {
      stream.subscriptions().forEach(this::remove);
      if (stream.wantsPrevKv && --streamsWantingPrevKv == 0) {
        previousValues.wanted(false);
      }
    }
    waiting.removeIf(ask -> ask.stream() == port);
    port.abandon();
  }

  private void remove(Subscription subscription) {
    var stream = subscription.stream;
    if (stream != null) {
      stream.remove(subscription);
      index.remove(subscription.watcher().interval(), subscription);
    }
  }

  private void publish(List<RevisionEvents> revisions) {
    for (var revision : revisions) {
      // What was committed before the hub looked at the keyspace first is history to everybody.
      if (revision.revision() > ring.newest()) {
        if (revision.revision() != ring.newest() + 1) {
          jump(revision.revision() - 1);
        }
        ring.append(RevisionEntry.live(revision));
      }
    }
    if (!spreading) {
      spread();
    }
  }

  /** Goes on with what is in the ring and not yet handed out, for the length of one message. */
  private void spread() {
    if (index.isEmpty()) {
      spreadTo = ring.newest();
    }
    int deliveries = 0;
    int revisions = 0;
    while (spreadTo < ring.newest()
        && deliveries < SPREAD_DELIVERIES
        && revisions < SPREAD_REVISIONS) {
      var entry = ring.get(spreadTo + 1);
      if (entry == null || isFarInArrears()) {
        // Each on his own is slower to begin with, but takes many revisions in one response, and
        // the ring still has them.
        fallAllBehind(ring.newest());
        break;
      }
      deliveries += spread(entry);
      spreadTo++;
      revisions++;
    }
    flush();
    if (spreadTo < ring.newest()) {
      spreading = true;
      again.run();
    }
  }

  private boolean isFarInArrears() {
    long arrears = ring.newest() - spreadTo;
    return arrears > Math.max(ARREARS_MIN_REVISIONS, ring.size() / 2);
  }

  private int spread(RevisionEntry entry) {
    boolean single = entry.events().size() == 1;
    for (int i = 0; i < entry.events().size(); i++) {
      int at = i;
      var event = entry.events().get(i);
      index.forEachMatch(
          event.key(), subscription -> match(subscription, entry.revision(), event, single, at));
    }
    int deliveries = 0;
    for (var stream : touched) {
      stream.touched = false;
      var matched = stream.takeMatched();
      deliveries += matched.size();
      deliver(stream, entry, matched);
    }
    touched.clear();
    return deliveries;
  }

  private void match(
      Subscription subscription, long revision, WatchEvent event, boolean single, int at) {
    var stream = subscription.stream;
    if (stream == null
        || revision < subscription.fromRevision()
        || !subscription.watcher().admits(event)) {
      return;
    }
    if (single || subscription.hit(at)) {
      stream.match(subscription);
      if (!stream.touched) {
        stream.touched = true;
        touched.add(stream);
      }
    }
  }

  private void deliver(HubStream stream, RevisionEntry entry, List<Subscription> matched) {
    markDirty(stream);
    if (!stream.port.hasCredit()) {
      for (var subscription : matched) {
        fallBehind(subscription, stream, entry.revision());
      }
    } else if (stream.wantsPrevKv && lacksPrevious(entry)) {
      deliverToThoseWithout(stream, entry, matched);
    } else {
      stream.deliver(entry, matched);
    }
  }

  /** The writer did not know what the revision replaced: who wants that reads it as history. */
  private void deliverToThoseWithout(
      HubStream stream, RevisionEntry entry, List<Subscription> matched) {
    var rest = new ArrayList<Subscription>();
    for (var subscription : matched) {
      if (subscription.watcher().wantsPrevKv()) {
        fallBehind(subscription, stream, entry.revision());
      } else {
        rest.add(subscription);
      }
    }
    if (!rest.isEmpty()) {
      stream.deliver(entry, rest);
    }
  }

  private static boolean lacksPrevious(RevisionEntry entry) {
    for (var event : entry.events()) {
      if (!event.knowsPrevious()) {
        return true;
      }
    }
    return false;
  }

  private void fallBehind(Subscription subscription, HubStream stream, long nextRevision) {
    var unused = subscription.takeHits();
    remove(subscription);
    stream.fallBehind(subscription, nextRevision);
    markDirty(stream);
  }

  private void markDirty(HubStream stream) {
    if (!stream.dirty) {
      stream.dirty = true;
      dirty.add(stream);
    }
  }

  private void jump(long currentRevision) {
    if (currentRevision > ring.newest()) {
      ring.restart(currentRevision);
      fallAllBehind(currentRevision);
      flush();
    }
  }

  /** Every subscription that has something coming up to the revision, matching or not, ends. */
  private void fallAllBehind(long revision) {
    long missedFrom = spreadTo + 1;
    spreadTo = revision;
    for (var stream : streams.values()) {
      for (var subscription : stream.subscriptions()) {
        // One that waits for a revision still to come has missed nothing.
        if (subscription.fromRevision() <= revision) {
          fallBehind(subscription, stream, Math.max(missedFrom, subscription.fromRevision()));
        }
      }
    }
  }

  private void flush() {
    for (var stream : dirty) {
      stream.flush();
    }
    dirty.clear();
    if (!waiting.isEmpty()) {
      waiting.removeIf(this::answer);
    }
  }

  private boolean answer(StreamMessage.AskReached ask) {
    if (ask.atLeast() > spreadTo) {
      return false;
    }
    ask.stream().reply(new HubReply.Reached(ask.purpose(), spreadTo));
    return true;
  }
}
