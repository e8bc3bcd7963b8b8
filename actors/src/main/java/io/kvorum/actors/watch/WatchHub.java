package io.kvorum.actors.watch;

import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.mvccpb.Event;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;

/**
 * The actor that spreads the events of one group over the streams of its clients. The package's
 * page tells how it works with them.
 */
public final class WatchHub extends AbstractBehavior<WatchHub.Message> {

  /** What the hub is told. */
  public sealed interface Message permits Publish, Jump, Spread, PublisherMessage, StreamMessage {}

  /**
   * What was committed, in order. Whatever is missing between two of these is taken from the
   * keyspace's history. Send it through a {@link WatchPublisher}, which bounds what is under way.
   */
  public record Publish(List<RevisionEvents> revisions) implements Message {
    public Publish {
      revisions = List.copyOf(revisions);
    }
  }

  /**
   * The keyspace was replaced by a snapshot and stands at {@code currentRevision}: what lies
   * between is only in its history, and every watcher goes there.
   */
  public record Jump(long currentRevision) implements Message {}

  /**
   * Bounds and intervals.
   *
   * @param ringRevisions newest revisions kept in memory; older ones are read from the keyspace
   * @param ringBytes the same bound in bytes of events
   * @param streamBatches live batches that wait for one client; beyond, its watchers lag
   * @param streamBytes the same bound in bytes of events
   * @param controlResponses answers to requests that wait for one client; beyond, its requests wait
   * @param portionRevisions revisions of history read at once for one stream
   * @param portionBytes the same bound in bytes; one revision may be larger
   * @param fragmentBytes responses from this size on are cut for those who asked for it
   * @param backlogBytes events that wait for the hub; beyond, they are left to history
   * @param progressInterval between progress notifications; up to a tenth is added at random
   */
  public record Settings(
      int ringRevisions,
      long ringBytes,
      int streamBatches,
      long streamBytes,
      int controlResponses,
      int portionRevisions,
      long portionBytes,
      long fragmentBytes,
      long backlogBytes,
      Duration progressInterval) {

    /** etcd raises a smaller progress interval to this. */
    private static final Duration PROGRESS_INTERVAL_MIN = Duration.ofMillis(100);

    public Settings {
      if (progressInterval.compareTo(PROGRESS_INTERVAL_MIN) < 0) {
        progressInterval = PROGRESS_INTERVAL_MIN;
      }
    }

    /** etcd's figures where it has them; limits of gRPC messages as by default. */
    public static Settings defaults() {
      return new Settings(
          4096,
          16L << 20,
          128,
          256L << 10,
          16,
          1000,
          128L << 10,
          (1536L << 10) + (512L << 10),
          8L << 20,
          Duration.ofMinutes(10));
    }

    /**
     * With what the server is configured to.
     *
     * @param requestBytesMax --max-request-bytes
     * @param interval --watch-progress-notify-interval
     */
    public Settings with(long requestBytesMax, Duration interval) {
      return new Settings(
          ringRevisions,
          ringBytes,
          streamBatches,
          streamBytes,
          controlResponses,
          portionRevisions,
          portionBytes,
          requestBytesMax + (512L << 10),
          backlogBytes,
          interval);
    }
  }

  /** The writer's side of prev_kv: it may save reading values that nobody wants. */
  public interface PreviousValues {
    void wanted(boolean wanted);
  }

  /** To itself: the next part of the work that is left. */
  private enum Spread implements Message {
    NEXT
  }

  /**
   * Work for one message: subscriptions served, and revisions. What is left waits behind the
   * messages that have come meanwhile, so that the ring never falls behind the writers.
   */
  private static final int SPREAD_DELIVERIES = 4096;

  private static final int SPREAD_REVISIONS = 1024;

  /** However small the ring is, this much work left is not yet too much. */
  private static final long ARREARS_MIN_REVISIONS = 64;

  /** A stream and what is to be sent to it at the end of the present message. */
  private static final class Book {
    final StreamPort port;
    final LinkedHashSet<Feed> feeds = new LinkedHashSet<>();
    List<HubReply.Live> live = new ArrayList<>();
    List<HubReply.Behind> behind = new ArrayList<>();
    boolean wantsPrevKv;

    Book(StreamPort port) {
      this.port = port;
    }
  }

  /** A subscription and its events of the revision at hand. */
  private static final class Feed {
    final Subscription subscription;
    final Book book;
    List<Event> matched = new ArrayList<>(1);

    /** The revision at hand has a previous value that it wants and the writer did not tell. */
    boolean missesPrevious;

    Feed(Subscription subscription, Book book) {
      this.subscription = subscription;
      this.book = book;
    }

    Watcher watcher() {
      return subscription.watcher();
    }
  }

  private final PreviousValues previousValues;
  private final RevisionRing ring;
  private final Map<StreamPort, Book> books = new HashMap<>();
  private final Map<Subscription, Feed> feeds = new HashMap<>();
  private final WatcherIndex<Feed> index = new WatcherIndex<>();

  /** Bounded for each stream: as many as it may have answers waiting, and one for its interval. */
  private final List<StreamMessage.AskReached> waiting = new ArrayList<>();

  private final LinkedHashSet<Book> dirty = new LinkedHashSet<>();
  private final LinkedHashSet<Feed> touched = new LinkedHashSet<>();

  /** Events up to this revision have been handed to the subscriptions that match. */
  private long spreadTo;

  private boolean spreading;

  private WatchHub(
      ActorContext<Message> context, PreviousValues previousValues, RevisionRing ring) {
    super(context);
    this.previousValues = previousValues;
    this.ring = ring;
    this.spreadTo = ring.newest();
  }

  /**
   * @param views the keyspace; what it holds when the hub starts is history, what is published
   *     later is live
   * @param previousValues told whether any watcher wants them
   */
  public static Behavior<Message> create(
      Settings settings, Supplier<ReadView> views, PreviousValues previousValues) {
    return Behaviors.setup(
        context -> {
          try (var view = views.get()) {
            return new WatchHub(
                context,
                previousValues,
                new RevisionRing(
                    settings.ringRevisions(), settings.ringBytes(), view.currentRevision()));
          }
        });
  }

  @Override
  public Receive<Message> createReceive() {
    return newReceiveBuilder().onAnyMessage(this::onMessage).build();
  }

  private Behavior<Message> onMessage(Message message) {
    switch (message) {
      case Publish(var revisions) -> publish(revisions);
      case Jump(var currentRevision) -> jump(currentRevision);
      case Spread.NEXT -> {
        spreading = false;
        spread();
      }
      case PublisherMessage.Offered offered -> {
        offered.from().taken(offered.bytes());
        publish(offered.revisions());
      }
      case PublisherMessage.Skipped(var from) -> jump(from.takeSkipped());
      case StreamMessage.Open(var stream) -> {
        books.put(stream, new Book(stream));
        stream.reply(new HubReply.Opened(ring));
      }
      case StreamMessage.Join join -> join(join);
      case StreamMessage.Leave(_, var subscription) -> {
        var feed = feeds.get(subscription);
        if (feed != null) {
          remove(feed);
        }
      }
      case StreamMessage.AskReached ask -> {
        if (!answer(ask)) {
          waiting.add(ask);
        }
      }
      case StreamMessage.Close(var stream) -> close(stream);
    }
    return this;
  }

  private void join(StreamMessage.Join join) {
    var book = books.get(join.stream());
    if (book == null) {
      throw new IllegalStateException("a stream that is not open joins with " + join);
    }
    for (var subscription : join.subscriptions()) {
      var feed = new Feed(subscription, book);
      if (feed.watcher().wantsPrevKv() && !book.wantsPrevKv) {
        // For as long as the stream lasts: its watchers come and go between here and history.
        book.wantsPrevKv = true;
        previousValues.wanted(true);
      }
      feeds.put(subscription, feed);
      book.feeds.add(feed);
      index.add(feed.watcher().interval(), feed);
    }
    join.stream().reply(new HubReply.Joined(join.subscriptions(), spreadTo));
  }

  private void close(StreamPort stream) {
    var book = books.remove(stream);
    if (book != null) {
      List.copyOf(book.feeds).forEach(this::remove);
      if (book.wantsPrevKv && books.values().stream().noneMatch(b -> b.wantsPrevKv)) {
        previousValues.wanted(false);
      }
    }
    waiting.removeIf(ask -> ask.stream() == stream);
  }

  private void remove(Feed feed) {
    feeds.remove(feed.subscription);
    feed.book.feeds.remove(feed);
    index.remove(feed.watcher().interval(), feed);
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
      getContext().getSelf().tell(Spread.NEXT);
    }
  }

  private boolean isFarInArrears() {
    long arrears = ring.newest() - spreadTo;
    return arrears > Math.max(ARREARS_MIN_REVISIONS, ring.size() / 2);
  }

  private int spread(RevisionEntry entry) {
    var plain = entry.plain();
    var full = entry.full();
    for (int i = 0; i < plain.size(); i++) {
      var withoutPrevKv = plain.get(i);
      var withPrevKv = full.get(i);
      index.forEachMatch(
          withoutPrevKv.getKv().getKey(),
          feed -> match(feed, entry.revision(), withoutPrevKv, withPrevKv));
    }
    int deliveries = touched.size();
    touched.forEach(feed -> deliver(feed, entry));
    touched.clear();
    return deliveries;
  }

  private void match(Feed feed, long revision, Event withoutPrevKv, Event withPrevKv) {
    if (revision >= feed.subscription.fromRevision() && feed.watcher().admits(withoutPrevKv)) {
      boolean previous = feed.watcher().wantsPrevKv();
      feed.matched.add(previous ? withPrevKv : withoutPrevKv);
      feed.missesPrevious |= previous && !RevisionEntry.knowsPrevious(withPrevKv);
      touched.add(feed);
    }
  }

  private void deliver(Feed feed, RevisionEntry entry) {
    var events = feed.matched;
    feed.matched = new ArrayList<>(1);
    var book = feed.book;
    dirty.add(book);
    if (!feed.missesPrevious && book.port.hasCredit()) {
      long bytes = RevisionEntry.bytes(events);
      var batch = new Batch(feed.watcher(), entry.revision(), events, bytes);
      book.port.charge(batch);
      book.live.add(new HubReply.Live(feed.subscription, batch));
    } else {
      fallBehind(feed, entry.revision());
    }
  }

  private void fallBehind(Feed feed, long nextRevision) {
    remove(feed);
    feed.book.behind.add(new HubReply.Behind(feed.subscription, nextRevision));
    dirty.add(feed.book);
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
    for (var feed : List.copyOf(feeds.values())) {
      // One that waits for a revision still to come has missed nothing.
      if (feed.subscription.fromRevision() <= revision) {
        fallBehind(feed, Math.max(missedFrom, feed.subscription.fromRevision()));
      }
    }
  }

  private void flush() {
    for (var book : dirty) {
      book.port.reply(new HubReply.Delivered(book.live, book.behind));
      book.live = new ArrayList<>();
      book.behind = new ArrayList<>();
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
