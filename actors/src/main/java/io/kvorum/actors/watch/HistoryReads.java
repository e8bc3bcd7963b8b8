package io.kvorum.actors.watch;

import io.kvorum.persistence.mvcc.History;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads the past for all streams of a group. Who asks first is served first, and each stream asks
 * for one portion at a time: so all that lag advance alike. A portion that was read serves all who
 * wait for anything within it, and the newest ones are kept for those who come a little later; so
 * neighbours in history cost one walk over the revisions table.
 *
 * <p>Bounded: the waiting by the number of streams, what is kept by {@code historyBytes}.
 */
final class HistoryReads {
  /** Reads under way at a time. */
  private static final int READERS = 2;

  /** What a portion takes besides its events. */
  private static final long PORTION_BYTES = 256;

  sealed interface Result {}

  /**
   * @param entries revisions that follow each other in the keyspace; none where only what was
   *     compacted lies between
   * @param next the revision behind them
   */
  record Read(List<RevisionEntry> entries, long next) implements Result {}

  /** It begins before what a compaction has left. */
  record Compacted() implements Result {}

  record Failed(Throwable cause) implements Result {}

  private record Request(long from, Consumer<Result> answer) {}

  private record Kept(List<RevisionEntry> entries, long from, long next, long bytes) {}

  private final Supplier<ReadView> views;
  private final Executor executor;
  private final WatchHub.Settings settings;

  private final ArrayDeque<Request> waiting = new ArrayDeque<>();
  private final TreeMap<Long, Kept> kept = new TreeMap<>();
  private final ArrayDeque<Kept> byAge = new ArrayDeque<>();
  private final List<Long> underWay = new ArrayList<>(READERS);
  private long keptBytes;
  private int readers;

  HistoryReads(Supplier<ReadView> views, Executor executor, WatchHub.Settings settings) {
    this.views = views;
    this.executor = executor;
    this.settings = settings;
  }

  /**
   * Reads revisions from {@code from} on.
   *
   * @param answer called on the executor
   * @throws RejectedExecutionException where the executor takes no more; to be tried again
   */
  void read(long from, Consumer<Result> answer) {
    var request = new Request(from, answer);
    synchronized (this) {
      waiting.add(request);
      if (readers == READERS) {
        return;
      }
      readers++;
    }
    try {
      executor.execute(this::serve);
    } catch (RejectedExecutionException full) {
      synchronized (this) {
        readers--;
        if (waiting.remove(request)) {
          throw full;
        }
      }
    }
  }

  /** Completes a portion with the previous values that are wanted. {@code done} gets a failure. */
  void complete(Portion portion, Consumer<@Nullable Throwable> done) {
    executor.execute(
        () -> {
          try (var view = views.get()) {
            portion.complete(view);
          } catch (RuntimeException | Error failure) {
            done.accept(failure);
            return;
          }
          done.accept(null);
        });
  }

  private void serve() {
    for (var request = take(); request != null; request = take()) {
      var from = request.from();
      Result result;
      try {
        result = read(from);
      } catch (RuntimeException | Error failure) {
        result = new Failed(failure);
      }
      var served = finish(request, result);
      for (var one : served) {
        one.answer().accept(part(result, one.from()));
      }
    }
  }

  /** The first who waits for something that nobody is reading; null ends a reader. */
  private synchronized @Nullable Request take() {
    for (Iterator<Request> all = waiting.iterator(); all.hasNext(); ) {
      var request = all.next();
      if (underWay.stream().noneMatch(start -> isNear(start, request.from()))) {
        all.remove();
        underWay.add(request.from());
        return request;
      }
    }
    readers--;
    return null;
  }

  private boolean isNear(long start, long from) {
    return start <= from && from - start < settings.portionRevisions();
  }

  private Result read(long from) {
    var known = kept(from);
    if (known != null) {
      return new Read(known.entries(), known.next());
    }
    try (var view = views.get()) {
      if (from < view.compactedRevision()) {
        return new Compacted();
      }
      return switch (view.history(from, settings.portionRevisions(), settings.portionBytes())) {
        case Outcome.Ok<History>(var history) -> keep(from, history, view.currentRevision());
        case Outcome.Refused<History>(var error) when error == EtcdError.COMPACTED ->
            new Compacted();
        case Outcome.Refused<History>(var error) ->
            throw new IllegalStateException("history from " + from + " is " + error);
      };
    }
  }

  private synchronized @Nullable Kept kept(long from) {
    var below = kept.floorEntry(from);
    return below != null && from < below.getValue().next() ? below.getValue() : null;
  }

  private Result keep(long from, History history, long currentRevision) {
    if (history.nextRevision() <= from && from <= currentRevision) {
      throw new IllegalStateException(
          "history from " + from + " of " + currentRevision + " does not advance");
    }
    var entries = new ArrayList<RevisionEntry>(history.revisions().size());
    long bytes = PORTION_BYTES;
    for (var revision : history.revisions()) {
      var entry = RevisionEntry.past(revision);
      bytes += entry.bytes();
      entries.add(entry);
    }
    var read = new Kept(entries, from, history.nextRevision(), bytes);
    synchronized (this) {
      if (kept.putIfAbsent(from, read) == null) {
        byAge.add(read);
        keptBytes += bytes;
      }
      while (keptBytes > settings.historyBytes() && !byAge.isEmpty()) {
        var oldest = byAge.remove();
        kept.remove(oldest.from(), oldest);
        keptBytes -= oldest.bytes();
      }
    }
    return new Read(entries, history.nextRevision());
  }

  /** Whom the result serves, in the order in which they asked. */
  private synchronized List<Request> finish(Request first, Result result) {
    underWay.remove((Long) first.from());
    var served = new ArrayList<Request>();
    served.add(first);
    if (result instanceof Read(_, var next)) {
      for (Iterator<Request> all = waiting.iterator(); all.hasNext(); ) {
        var request = all.next();
        if (first.from() <= request.from() && request.from() < next) {
          all.remove();
          served.add(request);
        }
      }
    }
    return served;
  }

  private static Result part(Result result, long from) {
    if (!(result instanceof Read(var entries, var next)) || entries.isEmpty()) {
      return result;
    }
    int first = 0;
    for (int end = entries.size(); first < end; ) {
      int middle = (first + end) >>> 1;
      if (entries.get(middle).revision() < from) {
        first = middle + 1;
      } else {
        end = middle;
      }
    }
    return first == 0 ? result : new Read(entries.subList(first, entries.size()), next);
  }
}
