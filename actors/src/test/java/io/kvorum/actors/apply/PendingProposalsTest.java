package io.kvorum.actors.apply;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import org.junit.jupiter.api.Test;

final class PendingProposalsTest {
  private final PendingProposals proposals = new PendingProposals(new MemberId(0xabcd), 5, 100);

  @Test
  void answersTheCallerOnce() {
    var answer = proposals.await(7, 0);
    proposals.complete(7, Outcome.ok("done"));
    proposals.complete(7, Outcome.ok("again"));
    assertEquals(Outcome.ok("done"), answer.join());
    assertEquals(0, proposals.size());
  }

  @Test
  void tellsThoseWhoseTimeIsUp() {
    var early = proposals.await(1, 0);
    var late = proposals.await(2, 50);
    proposals.expire(100);
    assertEquals(Outcome.refused(EtcdError.TIMEOUT), early.join());
    assertFalse(late.isDone());
  }

  @Test
  void refusesMoreThanItsBound() {
    for (int i = 0; i < PendingProposals.MAX_PENDING; i++) {
      assertFalse(proposals.await(i, 0).isDone());
    }
    assertEquals(
        Outcome.refused(EtcdError.REQUEST_TOO_MANY_REQUESTS), proposals.await(-1, 0).join());
  }

  @Test
  void idsDifferBetweenMembersAndLives() {
    long id = proposals.nextId();
    assertEquals(0xabcdL, id >>> 48);
    assertNotEquals(id, proposals.nextId());
    assertNotEquals(id, new PendingProposals(new MemberId(0xabcd), 6, 100).nextId());
    assertNotEquals(id, new PendingProposals(new MemberId(0xabce), 5, 100).nextId());
  }
}
