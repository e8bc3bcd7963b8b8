package io.kvorum.persistence.mvcc;

import java.time.Duration;

/**
 * How long the background work of a compaction rests between its steps: the pause that is
 * configured after each batch, as in etcd, and besides in proportion to what a step took, so that
 * it takes a third of a processor however slow the disk or how busy the machine is. One thread.
 */
final class CompactionPace {

  /** Rest for each nanosecond of work. */
  private static final int REST_FOR_WORK = 2;

  private final int batchRevisions;
  private final long pauseNanos;
  private int revisionsSincePause;

  /**
   * @param batchRevisions after which it pauses
   * @param pause zero if it is not to rest at all
   */
  CompactionPace(int batchRevisions, Duration pause) {
    this.batchRevisions = batchRevisions;
    this.pauseNanos = pause.toNanos();
  }

  /**
   * @param revisions that the step handled
   * @param begunNanos when it began
   */
  long restNanos(int revisions, long begunNanos) {
    return restNanosAfter(revisions, System.nanoTime() - begunNanos);
  }

  long restNanosAfter(int revisions, long workNanos) {
    if (pauseNanos == 0) {
      return 0;
    }
    long rest = REST_FOR_WORK * workNanos;
    revisionsSincePause += revisions;
    if (revisionsSincePause >= batchRevisions) {
      revisionsSincePause = 0;
      rest = Math.max(rest, pauseNanos);
    }
    return rest;
  }
}
