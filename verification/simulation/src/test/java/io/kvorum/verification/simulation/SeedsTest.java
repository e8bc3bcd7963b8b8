package io.kvorum.verification.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Some seeds of the simulation. More, or one again: {@code verification/simulate --help}; here
 * {@code mvn -pl verification/simulation -am test -Dtest=SeedsTest -Dsimulation.seed=N}.
 */
final class SeedsTest {
  private static final int SEEDS = 300;

  @Test
  void everythingHoldsInEverySeed() {
    Long one = Long.getLong("simulation.seed");
    LongStream seeds = one == null ? LongStream.rangeClosed(1, SEEDS) : LongStream.of(one);
    long[] committed = new long[1];
    seeds.forEach(
        seed -> {
          SeedRun.Result result = SeedRun.run(Plan.of(seed), Tampering.NONE);
          committed[0] += result.entries();
          if (result.failure() != null) {
            fail(Simulate.describe(result), result.failure());
          }
        });
    assertTrue(one != null || committed[0] > 100L * SEEDS, "little was done: " + committed[0]);
  }

  /** What a failure is replayed by has to lead to the same again. */
  @Test
  void aSeedIsAWholeStory() {
    for (long seed = 1; seed <= 20; seed++) {
      SeedRun.Result first = SeedRun.run(Plan.of(seed), Tampering.NONE);
      SeedRun.Result again = SeedRun.run(Plan.of(seed), Tampering.NONE);
      assertEquals(first.digest(), again.digest(), "seed " + seed);
    }
  }
}
