package io.kvorum.actors.watch;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** How far behind the streams of a group are: each says what it lacks, and a scrape looks. */
final class StreamLags {
  /** Of one stream. Written by it, read by any thread. */
  static final class Mark {
    private static final long NOTHING = Long.MAX_VALUE;

    private volatile long lacks = NOTHING;

    /** The first revision that a watcher has not been given; 0 for none. */
    void lacks(long revision) {
      long shown = revision == 0 ? NOTHING : revision;
      if (lacks != shown) {
        lacks = shown;
      }
    }
  }

  private final Set<Mark> marks = ConcurrentHashMap.newKeySet();

  Mark open() {
    var mark = new Mark();
    marks.add(mark);
    return mark;
  }

  void close(Mark mark) {
    marks.remove(mark);
  }

  /** Of the slowest watcher, in revisions. */
  long slowest(long currentRevision) {
    long oldest = marks.stream().mapToLong(mark -> mark.lacks).min().orElse(Mark.NOTHING);
    return oldest > currentRevision ? 0 : currentRevision + 1 - oldest;
  }
}
