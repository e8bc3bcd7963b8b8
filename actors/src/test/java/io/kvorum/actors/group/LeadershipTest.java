package io.kvorum.actors.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.protocol.MemberId;
import org.junit.jupiter.api.Test;

final class LeadershipTest {
  private static final MemberId A = new MemberId(1);
  private static final MemberId B = new MemberId(2);

  private final Leadership leadership = new Leadership();

  @Test
  void whoWaitsIsToldWhenTheRightOneLeads() {
    var wait = leadership.await(B::equals, 100);
    leadership.changed(A, 10);
    assertFalse(wait.isDone());
    leadership.changed(B, 20);
    assertTrue(wait.join());
    assertTrue(leadership.await(B::equals, 0).join());
    assertEquals(B, leadership.leader());
  }

  @Test
  void whoWaitsTooLongIsToldSo() {
    var wait = leadership.await(B::equals, 100);
    leadership.expire(99);
    assertFalse(wait.isDone());
    leadership.expire(100);
    assertFalse(wait.join());
  }

  @Test
  void waitsAreBounded() {
    for (int i = 0; i < Leadership.MAX_WAITING; i++) {
      leadership.await(B::equals, 100);
    }
    assertFalse(leadership.await(B::equals, 100).join());
  }

  @Test
  void tellsWhetherAnElectionFellIntoAWait() {
    assertFalse(leadership.electedWithin(100, 0));
    leadership.changed(A, 50);
    leadership.changed(MemberId.NONE, 60);
    assertTrue(leadership.electedWithin(100, 0));
    assertFalse(leadership.electedWithin(50, 0));
    assertFalse(leadership.electedWithin(100, 55));
  }
}
