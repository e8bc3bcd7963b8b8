package io.kvorum.actors.lease;

import static io.kvorum.actors.lease.LessorFixture.SECOND;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.protocol.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class MillionLeasesTest {
  private static final String SEED = "kvorum.lease.seed";
  private static final int LEASES = 1_000_000;
  private static final int LEAST_TTL = 20;
  private static final int MOST_TTL = 60;

  /** An entry that revokes leases takes about this long to be applied. */
  private static final long APPLY_NANOS = 3_000_000;

  private final long seed = Long.getLong(SEED, System.nanoTime());
  private final String replay = "replay with -D" + SEED + "=" + seed;
  private final Random random = new Random(seed);
  private final LessorFixture fixture = LessorFixture.leading();

  /** By id: the TTL in seconds, and until when it is promised. */
  private final byte[] ttls = new byte[LEASES + 1];

  private final long[] promised = new long[LEASES + 1];

  @Test
  void halfIsKeptAndTheOtherHalfEndsInItsTime() {
    for (int id = 1; id <= LEASES; id++) {
      ttls[id] = (byte) (LEAST_TTL + random.nextInt(MOST_TTL - LEAST_TTL + 1));
      fixture.grant(id, ttls[id]);
      promised[id] = fixture.now + ttls[id] * SECOND;
      if (id % 100 == 0) {
        pass(1_000_000);
      }
    }
    long granted = fixture.now;
    for (int second = 0; second <= 2 * MOST_TTL; second++) {
      for (int id = 1; id <= LEASES; id++) {
        // Even ones are kept, each with at least a quarter of its time left.
        if (id % 2 == 0 && promised[id] - fixture.now < ttls[id] * SECOND / 4 + SECOND) {
          CompletableFuture<Outcome<Long>> reply = fixture.renew(id);
          assertEquals(Outcome.ok((long) ttls[id]), reply.join(), replay);
          promised[id] = fixture.now + ttls[id] * SECOND;
        }
      }
      for (int i = 0; i < 20; i++) {
        pass(SECOND / 20);
      }
    }
    assertEquals(LEASES / 2, fixture.lessor.size(), replay);
    long latest = 0;
    for (int id = 1; id <= LEASES; id++) {
      Long ended = fixture.ended.get((long) id);
      if (id % 2 == 0) {
        assertEquals(null, ended, replay);
      } else {
        assertTrue(ended != null && ended >= promised[id], replay);
        latest = Math.max(latest, ended - promised[id]);
      }
    }
    long late = latest;
    assertTrue(late < 5 * SECOND, () -> late / 1e9 + " s late; " + replay);
    assertTrue(granted < LEAST_TTL * SECOND, replay);
  }

  @Test
  void aNewLeaderCountsThemAllAnew() {
    for (int id = 1; id <= LEASES; id++) {
      fixture.grant(id, LEAST_TTL);
    }
    fixture.lessor.follows();
    pass(100 * SECOND);
    fixture.lead(2);
    long begun = fixture.now;
    pass(LEAST_TTL * SECOND);
    assertTrue(fixture.ended.isEmpty());
    while (fixture.lessor.size() > 0) {
      pass(SECOND);
      assertFalse(fixture.now > begun + 120 * SECOND, "all end");
    }
    List<Long> left = new ArrayList<>(fixture.ended.values());
    assertTrue(left.stream().allMatch(at -> at >= begun + (LEAST_TTL + 1) * SECOND));
  }

  /** Time passes; what was proposed is applied one after the other. */
  private void pass(long nanos) {
    long end = fixture.now + nanos;
    fixture.applies = false;
    while (fixture.now < end) {
      fixture.advance(Math.min(APPLY_NANOS, end - fixture.now));
      if (!fixture.log.isEmpty()) {
        fixture.log.remove().run();
      }
    }
    fixture.applies = true;
  }
}
