package io.kvorum.actors.snapshot;

import java.util.function.LongSupplier;

/** Keeps a sender below a rate: each piece takes up the time that it is worth. */
final class Pace {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  /** Time that was not used is not saved up for longer than this. */
  private static final long MAX_SAVED_NANOS = 10_000_000L;

  private final long bytesPerSecond;
  private final LongSupplier nanoClock;
  private long freeAtNanos;

  Pace(long bytesPerSecond, LongSupplier nanoClock) {
    this.bytesPerSecond = bytesPerSecond;
    this.nanoClock = nanoClock;
    this.freeAtNanos = nanoClock.getAsLong();
  }

  /** How long to wait before the next piece; not positive if it may go now. */
  long waitNanos() {
    return freeAtNanos - nanoClock.getAsLong();
  }

  void sent(long bytes) {
    long earliest = nanoClock.getAsLong() - MAX_SAVED_NANOS;
    if (freeAtNanos - earliest < 0) {
      freeAtNanos = earliest;
    }
    freeAtNanos += Math.multiplyExact(bytes, NANOS_PER_SECOND) / bytesPerSecond;
  }
}
