package io.kvorum.actors.telemetry;

import org.jspecify.annotations.Nullable;

/** A number that goes up and down. Any thread; a few nanoseconds. */
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
      early = absolute ? value : early + value;
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
