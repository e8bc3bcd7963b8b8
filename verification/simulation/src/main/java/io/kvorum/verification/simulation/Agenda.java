package io.kvorum.verification.simulation;

import java.util.Comparator;
import java.util.PriorityQueue;

/** What is to happen when, in microseconds of virtual time; at the same time in order of entry. */
final class Agenda {
  static final long MILLIS = 1000;
  static final long SECONDS = 1000 * MILLIS;

  /** Far more than a seed takes: whoever gets here goes round in circles. */
  private static final long MAX_STEPS = 3_000_000;

  private record Due(long at, long number, Runnable action) {}

  private final PriorityQueue<Due> queue =
      new PriorityQueue<>(Comparator.comparingLong(Due::at).thenComparingLong(Due::number));
  private long now;
  private long numbers;
  private long steps;

  long now() {
    return now;
  }

  void in(long delay, Runnable action) {
    queue.add(new Due(now + delay, ++numbers, action));
  }

  /**
   * Lets the next thing happen if it is due by then; false, with the time at {@code end}, if not.
   */
  boolean step(long end) {
    Due next = queue.peek();
    if (next == null || next.at() > end) {
      now = Math.max(now, end);
      return false;
    }
    Violation.check(
        ++steps <= MAX_STEPS, "no endless activity", () -> steps + " steps in " + now + " us");
    queue.remove();
    now = next.at();
    next.action().run();
    return true;
  }

  void runUntil(long end) {
    while (step(end)) {}
  }
}
