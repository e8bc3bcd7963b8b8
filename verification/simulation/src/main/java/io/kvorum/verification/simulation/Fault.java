package io.kvorum.verification.simulation;

import java.util.Locale;

/**
 * One thing that goes wrong, or that an operator does.
 *
 * @param number its place in the plan, by which it can be left out
 * @param atMicros when it begins
 * @param lastsMicros until what it broke is repaired
 * @param seed of what it leaves to chance, so that it does the same when others are left out
 */
record Fault(int number, Kind kind, long atMicros, long lastsMicros, long seed) {
  enum Kind {
    CRASH,
    CRASH_LEADER,
    CRASH_ALL,
    CRASH_AT_VOTE,
    PAUSE,
    PAUSE_LEADER,
    ISOLATE_LEADER,
    ISOLATE,
    SPLIT,
    ONE_WAY,
    LOSSY,
    SLOW_DISK,
    FAILING_DISK,
    SLOW_APPLIER,
    CLOCK,
    TRANSFER,
    ADD_LEARNER,
    ADD_VOTER,
    PROMOTE,
    REMOVE,
    REPLACE
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "#%d %s at %.1f s for %.1f s",
        number,
        kind.name().toLowerCase(Locale.ROOT).replace('_', ' '),
        atMicros / 1e6,
        lastsMicros / 1e6);
  }
}
