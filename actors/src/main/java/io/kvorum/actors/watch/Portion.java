package io.kvorum.actors.watch;

import io.kvorum.persistence.mvcc.ReadView;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * What a stretch of revisions holds for the watchers of an index: each has collected its own
 * events.
 */
final class Portion {
  private final List<Watcher> touched = new ArrayList<>();
  private final List<WatchEvent> incomplete = new ArrayList<>();
  private long next;
  private int events;
  private long bytes;

  private Portion(long next) {
    this.next = next;
  }

  /**
   * Goes through revisions until one of the limits is reached, at least through one.
   *
   * @param to the revision that it stops before; what lies between the entries and it is empty
   * @param eventsMax that have found a watcher; a revision for many watchers counts as often
   * @param bytesMax of revisions that have found any
   */
  static Portion match(
      WatcherIndex<Watcher> index,
      List<RevisionEntry> entries,
      long to,
      int eventsMax,
      long bytesMax) {
    var portion = new Portion(to);
    for (var entry : entries) {
      if (entry.revision() >= to) {
        break;
      }
      if (portion.events >= eventsMax || portion.bytes >= bytesMax) {
        portion.next = entry.revision();
        break;
      }
      portion.match(index, entry);
    }
    return portion;
  }

  private void match(WatcherIndex<Watcher> index, RevisionEntry entry) {
    int before = events;
    for (var event : entry.events()) {
      index.forEachMatch(event.key(), watcher -> offer(watcher, entry, event));
    }
    if (events > before) {
      bytes += entry.bytes();
    }
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

  /** Of the revisions that somebody gets something of; watchers share them. */
  long bytes() {
    return bytes;
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
    discardUnless(watcher -> false);
  }

  /** Only these will get theirs. */
  void discardUnless(Predicate<Watcher> gets) {
    touched.removeIf(
        watcher -> {
          if (gets.test(watcher)) {
            return false;
          }
          var unused = watcher.takeCollected();
          return true;
        });
  }
}
