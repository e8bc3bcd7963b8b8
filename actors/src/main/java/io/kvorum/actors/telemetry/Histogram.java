package io.kvorum.actors.telemetry;

import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Samples counted by size. Any thread; about ten nanoseconds. */
public final class Histogram {
  /** Samples kept until the registry is open; what comes beyond is left out of the figures. */
  private static final int EARLY_SAMPLES_MAX = 4096;

  /** Keeps a sample that lies on a bound from being lifted over it by the rounding of doubles. */
  private static final double ROUNDING_SLACK_UNITS = 1e-6;

  private final double unitsPerOne;
  private final double unitsPerNanosecond;
  private final long highestUnits;
  private volatile kamon.metric.@Nullable Histogram bound;
  private long[] early = new long[0];
  private int earlySize;

  Histogram(Buckets buckets) {
    this.unitsPerOne = buckets.unitsPerOne();
    this.unitsPerNanosecond = unitsPerOne / 1e9;
    this.highestUnits = buckets.highestUnits();
  }

  /** For a histogram in seconds. */
  public void recordNanos(long nanoseconds) {
    recordUnits(nanoseconds * unitsPerNanosecond, 1);
  }

  /** The same sample so many times, at the cost of one; none for 0. */
  public void recordNanos(long nanoseconds, int times) {
    if (times > 0) {
      recordUnits(nanoseconds * unitsPerNanosecond, times);
    }
  }

  /** For a histogram in seconds. */
  public void record(Duration duration) {
    recordUnits(duration.toNanos() * unitsPerNanosecond, 1);
  }

  /** A sample in the histogram's own unit. */
  public void record(double value) {
    recordUnits(value * unitsPerOne, 1);
  }

  /** One unit less than the sample rounded up: a bucket holds its upper bound, a cell its lower. */
  private void recordUnits(double sample, int times) {
    long units = (long) Math.ceil(sample - ROUNDING_SLACK_UNITS) - 1;
    long clamped = Math.clamp(units, 0L, highestUnits);
    var histogram = bound;
    if (histogram != null) {
      histogram.record(clamped, times);
    } else {
      recordEarly(clamped, times);
    }
  }

  private synchronized void recordEarly(long units, int times) {
    var histogram = bound;
    if (histogram != null) {
      histogram.record(units, times);
      return;
    }
    int more = Math.min(times, EARLY_SAMPLES_MAX - earlySize);
    if (early.length - earlySize < more) {
      early = Arrays.copyOf(early, Math.max(16, 2 * (earlySize + more)));
    }
    Arrays.fill(early, earlySize, earlySize + more, units);
    earlySize += more;
  }

  synchronized void bind(kamon.metric.Histogram histogram) {
    for (int i = 0; i < earlySize; i++) {
      histogram.record(early[i]);
    }
    early = new long[0];
    bound = histogram;
  }
}
