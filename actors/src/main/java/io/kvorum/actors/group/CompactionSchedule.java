package io.kvorum.actors.group;

import java.time.Duration;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * When to compact where, as etcd's compactors do it (etcd: v3compactor). Looks at the clock and at
 * the revision once in a while, and decides; knows neither, and does nothing itself.
 *
 * <p>All members look, so that a new leader knows of the past; only the leader compacts.
 */
sealed interface CompactionSchedule {

  /** There is nothing to compact. */
  long NOTHING = -1;

  /** The time between two looks. */
  Duration interval();

  /**
   * Looks. The first time is the start of the clock.
   *
   * @return the revision to compact at, or {@link #NOTHING}
   */
  long look(long nowNanos, long currentRevision, boolean leading);

  /** The compaction that the last look asked for is made, or had been made before. */
  void compacted(long revision, long nowNanos);

  static @Nullable CompactionSchedule of(HistoryRetention retention) {
    return switch (retention) {
      case HistoryRetention.Everything everything -> null;
      case HistoryRetention.Period(var period) -> new Periodic(period);
      case HistoryRetention.Revisions(var revisions) -> new ByRevision(revisions);
    };
  }

  /**
   * Notes the revision ten times a period, or every six minutes if the period is longer than an
   * hour. After the first period, and then once a period or once an hour, compacts at the revision
   * of one period ago; from the second time on of a look more, as etcd. What fails is tried again
   * at the next look.
   */
  final class Periodic implements CompactionSchedule {
    private static final Duration MAX_COMPACTION_INTERVAL = Duration.ofHours(1);
    private static final int LOOKS_PER_INTERVAL = 10;
    private static final Duration MIN_LOOK_INTERVAL = Duration.ofMillis(10);

    private final Duration period;
    private final Duration compactionInterval;
    private final Duration lookInterval;
    private final long maxNoted;

    /** Newest last; the first is that of one period ago, once there are as many as may be. */
    private final ArrayDeque<Long> noted = new ArrayDeque<>();

    private boolean started;
    private boolean compactedOnce;
    private long lastRevision;
    private long lastNanos;

    Periodic(Duration period) {
      this.period = period;
      this.compactionInterval =
          period.compareTo(MAX_COMPACTION_INTERVAL) > 0 ? MAX_COMPACTION_INTERVAL : period;
      Duration tenth = compactionInterval.dividedBy(LOOKS_PER_INTERVAL);
      this.lookInterval = tenth.compareTo(MIN_LOOK_INTERVAL) < 0 ? MIN_LOOK_INTERVAL : tenth;
      this.maxNoted = period.dividedBy(lookInterval) + 1;
    }

    @Override
    public Duration interval() {
      return lookInterval;
    }

    @Override
    public long look(long nowNanos, long currentRevision, boolean leading) {
      long due = NOTHING;
      if (!started) {
        started = true;
        lastNanos = nowNanos;
      } else if (leading && isDue(nowNanos)) {
        due = noted.getFirst();
      }
      noted.addLast(currentRevision);
      if (noted.size() > maxNoted) {
        noted.removeFirst();
      }
      return due;
    }

    private boolean isDue(long nowNanos) {
      Duration wait = compactedOnce ? compactionInterval : period;
      return nowNanos - lastNanos >= wait.toNanos() && noted.getFirst() != lastRevision;
    }

    @Override
    public void compacted(long revision, long nowNanos) {
      compactedOnce = true;
      lastRevision = revision;
      lastNanos = nowNanos;
    }
  }

  /** Every five minutes, keeps so many of the newest revisions. */
  final class ByRevision implements CompactionSchedule {
    private static final Duration INTERVAL = Duration.ofMinutes(5);

    private final long retained;
    private boolean started;
    private long lastRevision;

    ByRevision(long retained) {
      this.retained = retained;
    }

    @Override
    public Duration interval() {
      return INTERVAL;
    }

    @Override
    public long look(long nowNanos, long currentRevision, boolean leading) {
      long revision = currentRevision - retained;
      boolean first = !started;
      started = true;
      return first || !leading || revision <= 0 || revision == lastRevision ? NOTHING : revision;
    }

    @Override
    public void compacted(long revision, long nowNanos) {
      lastRevision = revision;
    }
  }
}
