package io.kvorum.actors.watch;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * All lagging watchers of one stream. Those close to each other share a {@link Cohort}; a cohort
 * that comes to where another stands becomes one with it, so that any number of watchers with
 * starts of their own ends as one pass over history. Cohorts take turns: one that is far behind
 * does not keep another from the newest events. One thread.
 */
final class Cohorts {
  private final TreeMap<Long, Cohort> byPosition = new TreeMap<>();

  /** By turns; the first is next. */
  private final LinkedHashSet<Cohort> line = new LinkedHashSet<>();

  private final int neighbourhoodRevisions;

  /** Taken out for a while: nobody joins it and it meets nobody. */
  private @Nullable Cohort detached;

  /**
   * @param neighbourhoodRevisions who lags no further in front of a cohort joins it
   */
  Cohorts(int neighbourhoodRevisions) {
    this.neighbourhoodRevisions = neighbourhoodRevisions;
  }

  /** Whether nobody is here to take a turn. */
  boolean isEmpty() {
    return byPosition.isEmpty();
  }

  /** The first revision that somebody lacks, or 0. */
  long oldest() {
    long first = byPosition.isEmpty() ? Long.MAX_VALUE : byPosition.firstKey();
    if (detached != null && !detached.index().isEmpty()) {
      first = Math.min(first, detached.position);
    }
    return first == Long.MAX_VALUE ? 0 : first;
  }

  void add(Watcher watcher) {
    var below = byPosition.floorEntry(watcher.next);
    if (below != null && watcher.next - below.getKey() <= neighbourhoodRevisions) {
      below.getValue().add(watcher);
    } else {
      var cohort = new Cohort(watcher.next);
      cohort.add(watcher);
      insert(cohort);
    }
  }

  void remove(Watcher watcher) {
    var cohort = watcher.cohort;
    if (cohort != null) {
      cohort.remove(watcher);
      if (cohort.index().isEmpty() && cohort != detached) {
        drop(cohort);
      }
    }
  }

  /** Whose turn it is; there must be somebody. It goes to the end of the line. */
  Cohort next() {
    var cohort = line.getFirst();
    line.remove(cohort);
    line.addLast(cohort);
    return cohort;
  }

  boolean contains(Cohort cohort) {
    return line.contains(cohort);
  }

  /** Where the cohort meets the next one. */
  long limit(Cohort cohort) {
    var above = byPosition.higherKey(cohort.position);
    return above == null ? Long.MAX_VALUE : above;
  }

  /** The cohort has been given everything below the position, which is not above its limit. */
  void advance(Cohort cohort, long position) {
    byPosition.remove(cohort.position);
    settle(cohort, position);
  }

  /** Takes a cohort out, until it is attached again. */
  void detach(Cohort cohort) {
    drop(cohort);
    detached = cohort;
  }

  void attach(Cohort cohort, long position) {
    detached = null;
    if (!cohort.index().isEmpty()) {
      line.addLast(cohort);
      settle(cohort, position);
    }
  }

  private void settle(Cohort cohort, long position) {
    cohort.position = position;
    var met = byPosition.get(position);
    if (met == null) {
      byPosition.put(position, cohort);
      return;
    }
    boolean larger = cohort.index().size() > met.index().size();
    var stays = larger ? cohort : met;
    var goes = larger ? met : cohort;
    for (var watcher : members(goes)) {
      goes.remove(watcher);
      stays.add(watcher);
    }
    line.remove(goes);
    byPosition.put(position, stays);
  }

  /** Dissolves the cohort; returns who was in it, each knowing its next revision. */
  List<Watcher> take(Cohort cohort) {
    var members = members(cohort);
    for (var watcher : members) {
      watcher.next = Math.max(watcher.next, cohort.position);
      cohort.remove(watcher);
    }
    drop(cohort);
    return members;
  }

  /** Dissolves all cohorts that stand below the revision. */
  List<Watcher> takeBelow(long revision) {
    var taken = new ArrayList<Watcher>();
    for (var cohort : List.copyOf(byPosition.headMap(revision).values())) {
      taken.addAll(take(cohort));
    }
    return taken;
  }

  private static List<Watcher> members(Cohort cohort) {
    var members = new ArrayList<Watcher>(cohort.index().size());
    cohort.index().forEach(members::add);
    return members;
  }

  private void insert(Cohort cohort) {
    byPosition.put(cohort.position, cohort);
    line.addLast(cohort);
  }

  private void drop(Cohort cohort) {
    byPosition.remove(cohort.position);
    line.remove(cohort);
  }
}
