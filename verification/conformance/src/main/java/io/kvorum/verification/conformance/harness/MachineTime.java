package io.kvorum.verification.conformance.harness;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * Time in which this machine ran. A virtual machine that is stopped for minutes and goes on finds
 * its clocks advanced; what had seconds left to happen has them still.
 */
public final class MachineTime {
  private static final long TICK_NANOS = Duration.ofMillis(10).toNanos();

  /** A longer step of the clock than any load explains counts as so much. */
  private static final long LONGEST_STEP_NANOS = Duration.ofSeconds(2).toNanos();

  private static volatile long running;
  private static volatile long stoodStill;

  static {
    Thread.ofPlatform().daemon().name("machine-time").start(MachineTime::run);
  }

  private MachineTime() {}

  /** From an arbitrary beginning, to the nearest few hundredths of a second. */
  public static long nanos() {
    return running;
  }

  /** For how long it stood still since this process began. */
  public static Duration stoodStill() {
    return Duration.ofNanos(stoodStill);
  }

  private static void run() {
    long last = System.nanoTime();
    while (true) {
      LockSupport.parkNanos(TICK_NANOS);
      long now = System.nanoTime();
      long step = now - last;
      last = now;
      advance(Math.min(step, LONGEST_STEP_NANOS), Math.max(0, step - LONGEST_STEP_NANOS));
    }
  }

  private static synchronized void advance(long ran, long stood) {
    running += ran;
    stoodStill += stood;
  }
}
