package io.kvorum.actors.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** When is compacted where, by a clock that only the test moves. */
class CompactionScheduleTest {

  /** Where a clock begins does not matter, and it may pass its end. */
  private static final long START_NANOS = Long.MAX_VALUE - Duration.ofMinutes(7).toNanos();

  private final List<String> compactions = new ArrayList<>();
  private long elapsedNanos;
  private long revision = 1;
  private boolean leading = true;
  private boolean failing;

  /**
   * Looks, at the start or when the interval is over; in each interval ten revisions are written.
   */
  private void looks(CompactionSchedule schedule, int times) {
    for (int i = 0; i < times; i++) {
      long due = schedule.look(START_NANOS + elapsedNanos, revision, leading);
      if (due != CompactionSchedule.NOTHING) {
        compactions.add(Duration.ofNanos(elapsedNanos).toMinutes() + "m@" + due);
        if (!failing) {
          schedule.compacted(due, START_NANOS + elapsedNanos);
        }
      }
      elapsedNanos += schedule.interval().toNanos();
      revision += 10;
    }
  }

  @Test
  void periodOfAnHour() {
    CompactionSchedule schedule = new CompactionSchedule.Periodic(Duration.ofHours(1));
    assertEquals(Duration.ofMinutes(6), schedule.interval());
    looks(schedule, 10);
    assertEquals(List.of(), compactions);
    looks(schedule, 21);
    assertEquals(List.of("60m@1", "120m@91", "180m@191"), compactions);
  }

  /** The revision of a day ago, each hour. */
  @Test
  void periodOfADay() {
    CompactionSchedule schedule = new CompactionSchedule.Periodic(Duration.ofHours(24));
    assertEquals(Duration.ofMinutes(6), schedule.interval());
    looks(schedule, 240);
    assertEquals(List.of(), compactions);
    looks(schedule, 21);
    assertEquals(List.of("1440m@1", "1500m@91", "1560m@191"), compactions);
  }

  @Test
  void shortPeriod() {
    CompactionSchedule schedule = new CompactionSchedule.Periodic(Duration.ofMinutes(5));
    assertEquals(Duration.ofSeconds(30), schedule.interval());
    looks(schedule, 21);
    assertEquals(List.of("5m@1", "10m@91"), compactions);
    assertEquals(
        Duration.ofMillis(10), new CompactionSchedule.Periodic(Duration.ofNanos(1)).interval());
  }

  @Test
  void nothingNewIsNotCompactedAgain() {
    CompactionSchedule schedule = new CompactionSchedule.Periodic(Duration.ofHours(1));
    for (int i = 0; i < 50; i++) {
      looks(schedule, 1);
      revision = 1;
    }
    assertEquals(List.of("60m@1"), compactions);
  }

  @Test
  void failureIsTriedAgain() {
    CompactionSchedule schedule = new CompactionSchedule.Periodic(Duration.ofHours(1));
    failing = true;
    looks(schedule, 12);
    failing = false;
    looks(schedule, 11);
    assertEquals(List.of("60m@1", "66m@1", "72m@11", "132m@111"), compactions);
  }

  /** A new leader has noted the past as a follower. */
  @Test
  void onlyTheLeaderCompacts() {
    CompactionSchedule schedule = new CompactionSchedule.Periodic(Duration.ofHours(1));
    leading = false;
    looks(schedule, 25);
    assertEquals(List.of(), compactions);
    leading = true;
    looks(schedule, 11);
    assertEquals(List.of("150m@141", "210m@241"), compactions);
  }

  @Test
  void byRevision() {
    CompactionSchedule schedule = new CompactionSchedule.ByRevision(25);
    assertEquals(Duration.ofMinutes(5), schedule.interval());
    looks(schedule, 5);
    assertEquals(List.of("15m@6", "20m@16"), compactions);
    leading = false;
    looks(schedule, 2);
    leading = true;
    looks(schedule, 1);
    assertEquals(List.of("15m@6", "20m@16", "35m@46"), compactions);
    revision = 71;
    looks(schedule, 1);
    revision = 71;
    looks(schedule, 1);
    assertEquals(List.of("15m@6", "20m@16", "35m@46"), compactions);
  }

  @Test
  void whatIsKept() {
    assertNull(CompactionSchedule.of(new HistoryRetention.Everything()));
    assertInstanceOf(
        CompactionSchedule.Periodic.class,
        CompactionSchedule.of(new HistoryRetention.Period(Duration.ofHours(1))));
    assertInstanceOf(
        CompactionSchedule.ByRevision.class,
        CompactionSchedule.of(new HistoryRetention.Revisions(1)));
  }
}
