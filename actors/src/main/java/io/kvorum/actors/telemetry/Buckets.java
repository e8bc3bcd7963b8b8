package io.kvorum.actors.telemetry;

import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * The finite upper bounds of a histogram, ascending, in the unit its name says; the last bucket,
 * {@code +Inf}, is implied.
 *
 * <p>Samples are counted in units of the first bound / {@value #UNITS_PER_FIRST_BOUND}. Kamon's
 * histogram has cells whose edges are powers of two and their 128ths, so a bound that is the first
 * one times a power of two (all of etcd's are) or another short binary fraction of it falls on the
 * edge of a cell, and a bucket's count is exact, not off by the histogram's 1 %.
 */
public record Buckets(List<Double> bounds) {
  static final int UNITS_PER_FIRST_BOUND = 1024;

  /** Room above the last bound, as a factor; a larger sample is taken for that much. */
  private static final int HEADROOM_FACTOR = 16;

  /** etcd's usual time buckets: 0.001 s to 8.192 s. */
  public static final Buckets SECONDS = doubling(0.001, 14);

  /** etcd's buckets for applying and ranging: 0.0001 s to 52.4288 s. */
  public static final Buckets FINE_SECONDS = doubling(0.0001, 20);

  /** etcd's buckets for moving snapshots between members: 0.1 s to 51.2 s. */
  public static final Buckets TRANSFER_SECONDS = doubling(0.1, 10);

  /** etcd's buckets for reading a whole store: 0.01 s to 655.36 s. */
  public static final Buckets STORE_SECONDS = doubling(0.01, 17);

  /** etcd's buckets for the TTL of leases: 1 s to 8388608 s. */
  public static final Buckets LEASE_SECONDS = doubling(1, 24);

  public Buckets {
    bounds = List.copyOf(bounds);
    if (bounds.isEmpty() || bounds.getFirst() <= 0) {
      throw new IllegalArgumentException("buckets need a positive first bound: " + bounds);
    }
    for (int i = 1; i < bounds.size(); i++) {
      if (bounds.get(i) <= bounds.get(i - 1)) {
        throw new IllegalArgumentException("bucket bounds must ascend: " + bounds);
      }
    }
  }

  /** {@code count} bounds, each twice the one before. */
  public static Buckets doubling(double first, int count) {
    return new Buckets(
        IntStream.range(0, count).mapToObj(i -> round(Math.scalb(first, i))).toList());
  }

  /** The bounds as given. */
  public static Buckets of(double... bounds) {
    return new Buckets(DoubleStream.of(bounds).boxed().toList());
  }

  double unitsPerOne() {
    return UNITS_PER_FIRST_BOUND / bounds.getFirst();
  }

  long boundUnits(int i) {
    return Math.round(bounds.get(i) * unitsPerOne());
  }

  long highestUnits() {
    return Long.highestOneBit(boundUnits(bounds.size() - 1) - 1) * 2 * HEADROOM_FACTOR;
  }

  /** Keeps 0.0001 * 2^12 from being printed as 0.40959999999999996. */
  private static double round(double bound) {
    return Math.round(bound * 1e9) / 1e9;
  }
}
