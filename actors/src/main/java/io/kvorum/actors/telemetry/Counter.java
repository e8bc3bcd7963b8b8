package io.kvorum.actors.telemetry;

import org.jspecify.annotations.Nullable;

/** A number that only grows. Any thread; a few nanoseconds. */
public final class Counter {
  private volatile kamon.metric.@Nullable Counter bound;
  private long early;

  Counter() {}

  public void increment() {
    add(1);
  }

  /** Adds {@code n}, which must not be negative. */
  public void add(long n) {
    var counter = bound;
    if (counter != null) {
      counter.increment(n);
    } else {
      addEarly(n);
    }
  }

  private synchronized void addEarly(long n) {
    var counter = bound;
    if (counter != null) {
      counter.increment(n);
    } else {
      early += n;
    }
  }

  synchronized void bind(kamon.metric.Counter counter) {
    counter.increment(early);
    bound = counter;
  }
}
