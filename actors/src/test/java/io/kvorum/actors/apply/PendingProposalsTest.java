package io.kvorum.actors.apply;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;

final class PendingProposalsTest {
  private static final LongFunction<EtcdError> LATE =
      begun -> begun == 30 ? EtcdError.TIMEOUT_DUE_TO_LEADER_FAIL : EtcdError.TIMEOUT;

  private final PendingProposals proposals =
      new PendingProposals(new MemberId(0xabcd), 5, 100, LATE);

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
  void saysWhyByWhenTheWaitBegan() {
    var answer = proposals.await(1, 30);
    proposals.expire(130);
    assertEquals(Outcome.refused(EtcdError.TIMEOUT_DUE_TO_LEADER_FAIL), answer.join());
  }

  @Test
  void membershipChangesWaitForTheirClients() {
    var change = proposals.awaitChange(1, 0);
    proposals.expire(500_000_000_000L);
    assertFalse(change.isDone());
    proposals.expire(600_000_000_000L);
    assertEquals(Outcome.refused(EtcdError.TIMEOUT), change.join());
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
    assertNotEquals(id, new PendingProposals(new MemberId(0xabcd), 6, 100, LATE).nextId());
    assertNotEquals(id, new PendingProposals(new MemberId(0xabce), 5, 100, LATE).nextId());
  }
}
