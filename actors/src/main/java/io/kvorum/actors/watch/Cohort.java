package io.kvorum.actors.watch;

/**
 * Lagging watchers of one stream that read the past together: one cursor, and an index of its own,
 * so that a revision costs what matches it. A member that was already given something behind the
 * cursor is passed over until the cursor has come there.
 */
final class Cohort {
  /** No member needs anything before this revision. */
  long position;

  private final WatcherIndex<Watcher> index = new WatcherIndex<>();

  Cohort(long position) {
    this.position = position;
  }

  WatcherIndex<Watcher> index() {
    return index;
  }

  void add(Watcher watcher) {
    watcher.cohort = this;
    index.add(watcher.interval(), watcher);
  }

  void remove(Watcher watcher) {
    watcher.cohort = null;
    index.remove(watcher.interval(), watcher);
  }
}
