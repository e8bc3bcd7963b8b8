package io.kvorum.actors.telemetry;

import org.jspecify.annotations.Nullable;

/**
 * A number that goes up and down, never below zero: as Kamon's own, it ignores a change that would
 * make it negative, so what is counted down must have been counted up before. A figure that may be
 * negative is {@link Telemetry#sampled}. Any thread; a few nanoseconds.
 */
public final class Gauge {
  private volatile kamon.metric.@Nullable Gauge bound;
  private double early;

  Gauge() {}

  public void set(double value) {
    var gauge = bound;
    if (gauge != null) {
      gauge.update(value);
    } else {
      changeEarly(value, true);
    }
  }

  public void increment() {
    add(1);
  }

  public void decrement() {
    add(-1);
  }

  /** Moves the gauge by {@code difference}, up or down. */
  public void add(double difference) {
    var gauge = bound;
    if (gauge != null) {
      move(gauge, difference);
    } else {
      changeEarly(difference, false);
    }
  }

  private synchronized void changeEarly(double value, boolean absolute) {
    var gauge = bound;
    if (gauge == null) {
      double next = absolute ? value : early + value;
      early = next < 0 ? early : next;
    } else if (absolute) {
      gauge.update(value);
    } else {
      move(gauge, value);
    }
  }

  synchronized void bind(kamon.metric.Gauge gauge) {
    gauge.update(early);
    bound = gauge;
  }

  private static void move(kamon.metric.Gauge gauge, double difference) {
    // Kamon ignores negative steps: each direction has its own call.
    if (difference >= 0) {
      gauge.increment(difference);
    } else {
      gauge.decrement(-difference);
    }
  }
}
