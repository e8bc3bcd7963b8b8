package io.kvorum.persistence.mvcc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class CompactionPaceTest {

  @Test
  void restsTwiceAsLongAsItWorks() {
    CompactionPace pace = new CompactionPace(1000, Duration.ofNanos(50));
    assertEquals(20, pace.restNanosAfter(100, 10));
    assertEquals(2_000, pace.restNanosAfter(100, 1_000));
  }

  @Test
  void pausesAfterEachBatch() {
    CompactionPace pace = new CompactionPace(1000, Duration.ofNanos(500));
    for (int batch = 0; batch < 3; batch++) {
      for (int step = 0; step < 9; step++) {
        assertEquals(20, pace.restNanosAfter(100, 10));
      }
      assertEquals(500, pace.restNanosAfter(100, 10));
    }
    // A step that was slow rests longer than the pause.
    pace = new CompactionPace(100, Duration.ofNanos(500));
    assertEquals(4_000, pace.restNanosAfter(100, 2_000));
  }

  @Test
  void withoutPauseItDoesNotRest() {
    assertEquals(0, new CompactionPace(1, Duration.ZERO).restNanosAfter(100, 10));
  }
}
