package io.kvorum.actors.watch;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.mvcc.History;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.mvccpb.Event;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.RandomAccess;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads one portion of the past for all lagging watchers of a stream together. No state; runs on
 * the executor for blocking reads, or anywhere when the portion is in memory.
 */
final class CatchUp {
  private CatchUp() {}

  /** A watcher and the next revision that it has not been given. */
  record Lagging(Watcher watcher, long next) {}

  /**
   * @param from where the portion begins: no watcher here needs anything before it
   */
  record Request(List<Lagging> lagging, long from, int revisionsMax, long bytesMax) {
    boolean wantsPrevKv() {
      return lagging.stream().anyMatch(l -> l.watcher().wantsPrevKv());
    }
  }

  sealed interface Result {}

  /**
   * @param batches at most one for each watcher, of those that match anything
   * @param next the revision after the portion
   */
  record Portion(Request request, List<Batch> batches, long next) implements Result {}

  /** The portion begins before what a compaction has left. */
  record Compacted(long compactedRevision) implements Result {}

  /** From the keyspace. Blocking. */
  static Result read(Request request, Supplier<ReadView> views) {
    try (var view = views.get()) {
      if (request.from() < view.compactedRevision()) {
        return new Compacted(view.compactedRevision());
      }
      return switch (view.history(request.from(), request.revisionsMax(), request.bytesMax())) {
        case Outcome.Ok<History>(var history) -> portion(request, history, view);
        case Outcome.Refused<History>(var error) when error == EtcdError.COMPACTED ->
            new Compacted(Math.max(view.compactedRevision(), request.from() + 1));
        case Outcome.Refused<History>(var error) ->
            throw new IllegalStateException("history from " + request.from() + " is " + error);
      };
    }
  }

  private static Portion portion(Request request, History history, ReadView view) {
    if (history.nextRevision() <= request.from() && request.from() <= view.currentRevision()) {
      throw new IllegalStateException(
          "history from " + request.from() + " of " + view.currentRevision() + " does not advance");
    }
    var entries = new ArrayList<RevisionEntry>(history.revisions().size());
    for (var revision : history.revisions()) {
      entries.add(entry(revision, view));
    }
    return match(request, entries, history.nextRevision(), view.currentRevision());
  }

  /** Matches revisions that follow each other from {@code request.from()} on. */
  static Portion match(
      Request request, List<RevisionEntry> entries, long next, long headerRevision) {
    var index = new WatcherIndex<Collector>();
    var collectors = new ArrayList<Collector>(request.lagging().size());
    for (var lagging : request.lagging()) {
      var collector = new Collector(lagging);
      collectors.add(collector);
      index.add(lagging.watcher().interval(), collector);
    }
    for (var entry : entries) {
      for (int i = 0; i < entry.plain().size(); i++) {
        int at = i;
        index.forEachMatch(
            entry.plain().get(i).getKv().getKey(), collector -> collector.offer(entry, at));
      }
    }
    var batches = new ArrayList<Batch>();
    for (var collector : collectors) {
      if (!collector.events.isEmpty()) {
        batches.add(collector.batch(headerRevision));
      }
    }
    return new Portion(request, batches, next);
  }

  private static final class Collector {
    final Lagging lagging;
    final List<Event> events = new ArrayList<>(1);

    Collector(Lagging lagging) {
      this.lagging = lagging;
    }

    void offer(RevisionEntry entry, int at) {
      var watcher = lagging.watcher();
      if (entry.revision() >= lagging.next() && watcher.admits(entry.plain().get(at))) {
        events.add(entry.events(watcher.wantsPrevKv()).get(at));
      }
    }

    Batch batch(long headerRevision) {
      return new Batch(lagging.watcher(), headerRevision, events, RevisionEntry.bytes(events));
    }
  }

  private static RevisionEntry entry(RevisionEvents revision, ReadView view) {
    var plain = revision.events().stream().map(RevisionEntry::withoutPrevKv).toList();
    return new RevisionEntry(
        revision.revision(), plain, new WithPrevKv(plain, revision.revision(), view), 0);
  }

  /**
   * Events of history with the previous value of each, read only when asked for: by those that
   * match a watcher that wants it. Useful only while the view is open.
   */
  static final class WithPrevKv extends AbstractList<Event> implements RandomAccess {
    private final List<Event> plain;
    private final long revision;
    private final ReadView view;
    private final @Nullable Event[] completed;

    WithPrevKv(List<Event> plain, long revision, ReadView view) {
      this.plain = plain;
      this.revision = revision;
      this.view = view;
      this.completed = new @Nullable Event[plain.size()];
    }

    @Override
    public Event get(int at) {
      var known = completed[at];
      if (known == null) {
        known = complete(plain.get(at));
        completed[at] = known;
      }
      return known;
    }

    @Override
    public int size() {
      return plain.size();
    }

    private Event complete(Event event) {
      var kv = event.getKv();
      boolean created =
          event.getType() == Event.EventType.PUT && kv.getCreateRevision() == revision;
      // A value that a compaction may have taken is left out without a word, as etcd does.
      if (created || revision - 1 < view.compactedRevision()) {
        return event;
      }
      ByteString key = kv.getKey();
      var previous = view.get(key, revision - 1);
      return previous == null ? event : event.toBuilder().setPrevKv(previous).build();
    }
  }
}
