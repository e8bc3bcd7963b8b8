package io.kvorum.actors.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.kvorum.actors.apply.AppliedIndex;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.Done;
import org.junit.jupiter.api.Test;

final class ReadCoordinatorTest {
  private static final long TIMEOUT = 1000;
  private static final long RESEND = 100;

  private final List<Long> asked = new ArrayList<>();
  private final AppliedIndex applied = new AppliedIndex(new LogPosition(10, 1));
  private final ReadCoordinator reads =
      new ReadCoordinator(asked::add, applied, Runnable::run, TIMEOUT, RESEND, 0);

  @Test
  void readsThatArriveDuringARoundShareTheNext() {
    CompletableFuture<Outcome<Done>> first = reads.barrier(0);
    CompletableFuture<Outcome<Done>> second = reads.barrier(1);
    CompletableFuture<Outcome<Done>> third = reads.barrier(2);
    assertEquals(List.of(1L), asked);
    reads.confirmed(1, 10, 3);
    assertEquals(Outcome.ok(Done.getInstance()), first.join());
    assertFalse(second.isDone());
    assertEquals(List.of(1L, 2L), asked);
    reads.confirmed(2, 10, 4);
    assertEquals(Outcome.ok(Done.getInstance()), second.join());
    assertEquals(Outcome.ok(Done.getInstance()), third.join());
  }

  @Test
  void aReadWaitsUntilTheIndexIsApplied() {
    CompletableFuture<Outcome<Done>> read = reads.barrier(0);
    reads.confirmed(1, 11, 1);
    assertFalse(read.isDone());
  }

  @Test
  void anUnansweredRequestIsRepeatedAndAnOldAnswerIgnored() {
    CompletableFuture<Outcome<Done>> read = reads.barrier(0);
    reads.expire(RESEND);
    assertEquals(List.of(1L, 2L), asked);
    reads.confirmed(1, 10, RESEND);
    assertFalse(read.isDone());
    reads.confirmed(2, 10, RESEND);
    assertEquals(Outcome.ok(Done.getInstance()), read.join());
  }

  @Test
  void aReadEndsWhenItsTimeIsUpOrTheLeaderChanges() {
    CompletableFuture<Outcome<Done>> late = reads.barrier(0);
    CompletableFuture<Outcome<Done>> other = reads.barrier(500);
    reads.expire(TIMEOUT);
    assertEquals(Outcome.refused(EtcdError.TIMEOUT), late.join());
    assertFalse(other.isDone());
    reads.failAll(EtcdError.LEADER_CHANGED);
    assertEquals(Outcome.refused(EtcdError.LEADER_CHANGED), other.join());
  }
}
