package io.kvorum.verification.conformance.harness;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Waits for conditions by polling with a deadline, in time the machine runs; never for a fixed
 * time.
 */
public final class Await {
  private static final Duration POLL_INTERVAL = Duration.ofMillis(10);

  private Await() {}

  /**
   * Polls until the condition holds.
   *
   * @throws AssertionError naming what was awaited when the deadline passes first
   */
  public static void until(String what, Duration limit, Callable<Boolean> condition) {
    var last = poll(limit, condition);
    if (last.held) return;
    var failure = new AssertionError("not within " + limit + ": " + what);
    if (last.failure != null) failure.initCause(last.failure);
    throw failure;
  }

  /** True as soon as the condition holds, false when the deadline passes first. */
  public static boolean holdsWithin(Duration limit, Callable<Boolean> condition) {
    return poll(limit, condition).held;
  }

  private static Outcome poll(Duration limit, Callable<Boolean> condition) {
    long deadline = MachineTime.nanos() + limit.toNanos();
    Exception failure = null;
    while (true) {
      try {
        if (condition.call()) return new Outcome(true, null);
        failure = null;
      } catch (Exception notYet) {
        failure = notYet; // the last one is reported as the cause
      }
      if (MachineTime.nanos() - deadline > 0) return new Outcome(false, failure);
      LockSupport.parkNanos(POLL_INTERVAL.toNanos());
    }
  }

  private record Outcome(boolean held, @Nullable Exception failure) {}
}
