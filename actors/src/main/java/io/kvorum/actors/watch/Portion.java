package io.kvorum.actors.watch;

import io.kvorum.persistence.mvcc.ReadView;
import java.util.ArrayList;
import java.util.List;

/**
 * What a stretch of revisions holds for the watchers of an index: each has collected its own
 * events.
 */
final class Portion {
  private final List<Watcher> touched = new ArrayList<>();
  private final List<WatchEvent> incomplete = new ArrayList<>();
  private long next;
  private int events;

  private Portion(long next) {
    this.next = next;
  }

  /**
   * Goes through revisions until more than {@code eventsMax} events have found a watcher, a
   * revision that counts for many watchers as often.
   *
   * @param next the revision after the entries
   */
  static Portion match(
      WatcherIndex<Watcher> index, List<RevisionEntry> entries, long next, int eventsMax) {
    var portion = new Portion(next);
    for (var entry : entries) {
      if (portion.events >= eventsMax) {
        portion.next = entry.revision();
        break;
      }
      for (var event : entry.events()) {
        index.forEachMatch(event.key(), watcher -> portion.offer(watcher, entry, event));
      }
    }
    return portion;
  }

  private void offer(Watcher watcher, RevisionEntry entry, WatchEvent event) {
    if (entry.revision() < watcher.next || !watcher.admits(event)) {
      return;
    }
    events++;
    if (watcher.collect(event)) {
      touched.add(watcher);
    }
    if (watcher.wantsPrevKv() && !event.knowsPrevious()) {
      incomplete.add(event);
    }
  }

  /** Watchers that have collected something. */
  List<Watcher> touched() {
    return touched;
  }

  /** The revision behind the last one looked at. */
  long next() {
    return next;
  }

  /** Whether a previous value that somebody wants is still to be read. */
  boolean isIncomplete() {
    return !incomplete.isEmpty();
  }

  /** Reads the previous values that are wanted and not known yet, each once. Blocking. */
  void complete(ReadView view) {
    for (var event : incomplete) {
      event.complete(view);
    }
  }

  /** Nobody will get it. */
  void discard() {
    for (var watcher : touched) {
      var unused = watcher.takeCollected();
    }
  }
}
