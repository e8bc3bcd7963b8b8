package io.kvorum.actors.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class PaceTest {
  private final AtomicLong now = new AtomicLong(-5);
  private final Pace pace = new Pace(1000, now::get);

  @Test
  void eachPieceTakesTheTimeThatItIsWorth() {
    assertTrue(pace.waitNanos() <= 0);
    pace.sent(500);
    assertEquals(500_000_000, pace.waitNanos());
    pace.sent(500);
    assertEquals(1_000_000_000, pace.waitNanos());
    now.addAndGet(1_000_000_000);
    assertTrue(pace.waitNanos() <= 0);
  }

  @Test
  void timeThatWasNotUsedIsNotSavedUp() {
    now.addAndGet(3_600_000_000_000L);
    pace.sent(1000);
    assertEquals(990_000_000, pace.waitNanos());
  }
}
