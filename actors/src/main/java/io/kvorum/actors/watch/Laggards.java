package io.kvorum.actors.watch;

import io.kvorum.actors.watch.Watcher.State;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The watchers of one stream that lack revisions of the past, and how they come to the present:
 * from the ring while it reaches back far enough, else from history, a bounded portion at a time,
 * and only while the client takes something. One thread, that of the stream.
 */
final class Laggards {
  /** Of the past at a time, where all streams together hold as much as they may. */
  private static final long STRAITENED_PORTION_BYTES = 8 << 10;

  private final WatchStreams.Shared shared;
  private final WatchHub.Settings settings;
  private final WatchSession.Outside outside;
  private final StreamPort port;
  private final ResponseQueue queue;
  private final Predicate<Watcher> isWatching;
  private final Consumer<List<Watcher>> caughtUp;

  private final Cohorts cohorts;
  private @Nullable RevisionRing ring;

  /** The cohort whose portion of history is being read. */
  private @Nullable Cohort reading;

  private int lagging;
  private int compacted;

  /**
   * @param isWatching whether a watcher has not been cancelled
   * @param caughtUp takes those that lack nothing any more
   */
  Laggards(
      WatchStreams.Shared shared,
      WatchSession.Outside outside,
      StreamPort port,
      ResponseQueue queue,
      Predicate<Watcher> isWatching,
      Consumer<List<Watcher>> caughtUp) {
    this.shared = shared;
    this.settings = shared.settings();
    this.outside = outside;
    this.port = port;
    this.queue = queue;
    this.isWatching = isWatching;
    this.caughtUp = caughtUp;
    this.cohorts = new Cohorts(settings.portionRevisions());
  }

  /** The hub's newest revisions can be read from now on. */
  void open(RevisionRing newestRevisions) {
    ring = newestRevisions;
  }

  /** Whether there is nobody who lags, nor anybody whom a compaction has ended. */
  boolean isEmpty() {
    return lagging == 0 && compacted == 0;
  }

  /** The first revision that somebody lacks, or 0. */
  long oldest() {
    return cohorts.oldest();
  }

  void add(Watcher watcher) {
    watcher.state = State.LAGGING;
    cohorts.add(watcher);
    count(1);
  }

  /** The watcher has been cancelled, whether it lags or not. */
  void remove(Watcher watcher) {
    switch (watcher.state) {
      case COMPACTED -> compacted--;
      case LAGGING -> {
        cohorts.remove(watcher);
        count(-1);
      }
      case JOINING, LEVEL -> {
        // It is not here.
      }
    }
  }

  private void count(int change) {
    lagging += change;
    shared.metrics().slowWatchers.add(change);
  }

  /**
   * The client takes something. Where other things wait for it, one step is made, so that a stream
   * that is never without live events does not keep its laggards from theirs; and none while a
   * portion waits.
   */
  void onDemand() {
    if (!queue.holdsPast()) {
      step();
    }
    while (queue.isEmpty() && step()) {
      // Something to send is looked for.
    }
  }

  private boolean step() {
    if (reading != null || cohorts.isEmpty()) {
      return false;
    }
    advance(cohorts.next());
    return true;
  }

  /** One step of a cohort: a portion of the past, or the end of it. */
  private void advance(Cohort cohort) {
    long current;
    long compactedRevision;
    try (var view = shared.views().get()) {
      current = view.currentRevision();
      compactedRevision = view.compactedRevision();
    }
    long from = cohort.position;
    long published = ring == null ? current : Math.min(current, ring.newest());
    if (from < compactedRevision) {
      endCompacted(compactedRevision);
    } else if (from > published) {
      var level = cohorts.take(cohort);
      count(-level.size());
      caughtUp.accept(level);
    } else {
      var entries = readRing(from, Math.min(published, cohorts.limit(cohort) - 1));
      if (entries == null) {
        readHistory(cohort);
      } else {
        take(cohort, entries, entries.getLast().revision() + 1);
      }
    }
  }

  private @Nullable List<RevisionEntry> readRing(long from, long to) {
    return ring == null
        ? null
        : ring.read(from, to, settings.portionRevisions(), settings.portionBytes());
  }

  private void readHistory(Cohort cohort) {
    reading = cohort;
    try {
      shared
          .history()
          .read(cohort.position, result -> outside.later(() -> onHistory(cohort, result)));
    } catch (RejectedExecutionException full) {
      // The cohort has waited its turn; whose turn it is when there is room does not matter.
      outside.tryAgain();
    }
  }

  /** It is time for what {@link WatchSession.Outside#tryAgain} was asked for. */
  void onTryAgain() {
    reading = null;
  }

  private void onHistory(Cohort cohort, HistoryReads.Result result) {
    reading = null;
    switch (result) {
      case HistoryReads.Read(var entries, var next) -> {
        if (cohorts.contains(cohort)) {
          take(cohort, entries, next);
        }
      }
      case HistoryReads.Compacted _ -> {
        try (var view = shared.views().get()) {
          endCompacted(view.compactedRevision());
        }
      }
      case HistoryReads.Failed(var cause) -> outside.fail(cause);
    }
  }

  private void take(Cohort cohort, List<RevisionEntry> entries, long next) {
    long to = Math.min(next, cohorts.limit(cohort));
    long bytesMax =
        port.isBudgetSpent()
            ? Math.min(settings.portionBytes(), STRAITENED_PORTION_BYTES)
            : settings.portionBytes();
    var portion = Portion.match(cohort.index(), entries, to, settings.portionEvents(), bytesMax);
    if (!portion.isIncomplete()) {
      enqueue(portion, shared.currentRevision());
      cohorts.advance(cohort, portion.next());
      return;
    }
    reading = cohort;
    // Whoever comes meanwhile was not asked what of the portion is his.
    cohorts.detach(cohort);
    try {
      shared
          .history()
          .complete(portion, failure -> outside.later(() -> onComplete(cohort, portion, failure)));
    } catch (RejectedExecutionException full) {
      portion.discard();
      cohorts.attach(cohort, cohort.position);
      outside.tryAgain();
    }
  }

  private void onComplete(Cohort cohort, Portion portion, @Nullable Throwable failure) {
    reading = null;
    if (failure != null) {
      outside.fail(failure);
    } else {
      enqueue(portion, shared.currentRevision());
      cohorts.attach(cohort, portion.next());
    }
  }

  /** Whoever is gone meanwhile gets nothing. */
  private void enqueue(Portion portion, long headerRevision) {
    portion.discardUnless(watcher -> isWatching.test(watcher) && watcher.state != State.COMPACTED);
    queue.addPast(portion, headerRevision);
  }

  /** Ends all who still need what a compaction has taken. */
  private void endCompacted(long compactedRevision) {
    for (var watcher : cohorts.takeBelow(compactedRevision)) {
      if (watcher.next >= compactedRevision) {
        cohorts.add(watcher);
        continue;
      }
      count(-1);
      shared.metrics().watchers.decrement();
      watcher.state = State.COMPACTED;
      compacted++;
      // etcd leaves the header's revision at 0 here and gives no reason.
      queue.addEnd(
          WatchResponses.compacted(shared.headers().apply(0), watcher.id(), compactedRevision));
    }
  }

  /**
   * Gives watchers that have just joined the hub what was published between their next revision and
   * that. Returns whether the ring still held all of it; if not, nobody has got anything.
   */
  boolean fillGap(List<Watcher> missing, long from, long newest) {
    var entries = readRing(from, newest);
    if (entries == null || entries.getLast().revision() != newest) {
      return false;
    }
    var index = new WatcherIndex<Watcher>();
    for (var watcher : missing) {
      index.add(watcher.interval(), watcher);
    }
    var portion =
        Portion.match(index, entries, newest + 1, settings.portionEvents(), Long.MAX_VALUE);
    if (portion.next() <= newest || portion.isIncomplete()) {
      portion.discard();
      return false;
    }
    enqueue(portion, newest);
    return true;
  }
}
