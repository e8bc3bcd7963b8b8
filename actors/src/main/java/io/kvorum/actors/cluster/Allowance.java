package io.kvorum.actors.cluster;

import java.util.concurrent.TimeUnit;

/** So many a second, no more. Any thread. */
final class Allowance {
  private final int perSecond;
  private long secondStartNanos = System.nanoTime();
  private int taken;

  Allowance(int perSecond) {
    this.perSecond = perSecond;
  }

  synchronized boolean take() {
    long now = System.nanoTime();
    if (now - secondStartNanos >= TimeUnit.SECONDS.toNanos(1)) {
      secondStartNanos = now;
      taken = 0;
    }
    return taken++ < perSecond;
  }
}
