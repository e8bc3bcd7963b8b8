package io.kvorum.actors.lease;

import static io.kvorum.actors.lease.LessorFixture.SECOND;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class LessorTest {
  private final LessorFixture fixture = LessorFixture.leading();

  private static void assertTtl(long expected, CompletableFuture<Outcome<Long>> reply) {
    assertTrue(reply.isDone());
    assertEquals(Outcome.ok(expected), reply.join());
  }

  private static void assertRefused(
      EtcdError error, CompletableFuture<? extends Outcome<?>> reply) {
    assertTrue(reply.isDone());
    assertEquals(Outcome.refused(error), reply.join());
  }

  @Test
  void theLeastTtlIsOneAndAHalfElectionTimeouts() {
    assertEquals(2, LessorFixture.RULES.leastTtlSeconds());
  }

  @Test
  void aLeaseEndsInItsTimeAndNotBefore() {
    fixture.grant(1, 10);
    fixture.advanceSeconds(9.999);
    assertEquals(Map.of(), fixture.ended);
    fixture.advanceSeconds(0.2);
    assertTrue(fixture.endedAt(1) >= 10 * SECOND);
    assertEquals(0, fixture.lessor.size());
    assertEquals(1, fixture.expired);
  }

  @Test
  void aRenewalGivesAllOfTheTtlAgain() {
    fixture.grant(1, 10);
    fixture.advanceSeconds(6);
    assertTtl(10, fixture.renew(1));
    fixture.advanceSeconds(9.9);
    assertEquals(Map.of(), fixture.ended);
    assertEquals(Outcome.ok(new TimeLeft(0, 10)), fixture.timeToLive(1).join());
    assertEquals(1, fixture.renewed);
    fixture.advanceSeconds(0.3);
    assertTrue(fixture.ended.containsKey(1L));
  }

  @Test
  void whatIsNotThereIsRenewedForNothing() {
    assertTtl(0, fixture.renew(1));
    assertEquals(Outcome.ok(TimeLeft.UNKNOWN), fixture.timeToLive(1).join());
  }

  @Test
  void onlyAConfirmedLeaderRenews() {
    fixture.grant(1, 10);
    fixture.quorum = false;
    CompletableFuture<Outcome<Long>> reply = fixture.renew(1);
    assertFalse(reply.isDone());
    fixture.advanceSeconds(5);
    assertFalse(reply.isDone());
    fixture.lessor.follows();
    assertRefused(EtcdError.NOT_LEADER, reply);
    assertEquals(0, fixture.renewed);
    assertRefused(EtcdError.NOT_LEADER, fixture.renew(1));
  }

  @Test
  void aLeaderWithoutAQuorumSaysSoInTheEnd() {
    fixture.grant(1, 100);
    fixture.quorum = false;
    CompletableFuture<Outcome<Long>> reply = fixture.renew(1);
    fixture.advanceSeconds(7.3);
    assertRefused(EtcdError.NOT_PRIMARY_LESSOR, reply);
  }

  @Test
  void anUnansweredQuestionIsRepeatedAndOldAnswersDoNotCount() {
    fixture.grant(1, 10);
    fixture.quorum = false;
    CompletableFuture<Outcome<Long>> reply = fixture.renew(1);
    long lost = fixture.token;
    fixture.advanceSeconds(1);
    assertTrue(fixture.token > lost);
    fixture.lessor.confirmed(lost, fixture.index, fixture.now);
    assertFalse(reply.isDone());
    fixture.quorum = true;
    fixture.run();
    assertTtl(10, reply);
  }

  @Test
  void aCallSharesNoRoundThatBeganBeforeIt() {
    fixture.grant(1, 10);
    fixture.quorum = false;
    CompletableFuture<Outcome<Long>> first = fixture.renew(1);
    long token = fixture.token;
    CompletableFuture<Outcome<Long>> second = fixture.renew(1);
    fixture.token = 0;
    fixture.lessor.confirmed(token, fixture.index, fixture.now);
    assertTrue(first.isDone());
    assertFalse(second.isDone());
    assertTrue(fixture.token > token);
  }

  @Test
  void aLeaseGrantedElsewhereAMomentAgoIsWaitedFor() {
    fixture.applies = false;
    CompletableFuture<Outcome<Long>> reply = fixture.renew(1);
    assertFalse(reply.isDone());
    fixture.grant(1, 10);
    fixture.applies = true;
    fixture.run();
    assertTtl(10, reply);
  }

  @Test
  void whatIsKnownIsRenewedWithoutWaitingForTheApplier() {
    fixture.grant(1, 10);
    fixture.applies = false;
    assertTtl(10, fixture.renew(1));
  }

  @Test
  void anApplierFarBehindIsToldApartFromAnUnknownLease() {
    fixture.applies = false;
    CompletableFuture<Outcome<Long>> reply = fixture.renew(1);
    fixture.advanceSeconds(1.5);
    assertRefused(EtcdError.TIMEOUT_WAIT_APPLIED_INDEX, reply);
  }

  @Test
  void aLeaseWhoseTimeIsUpIsNotRevived() {
    fixture.grant(1, 10);
    fixture.applies = false;
    fixture.advanceSeconds(10.2);
    CompletableFuture<Outcome<Long>> reply = fixture.renew(1);
    assertFalse(reply.isDone());
    assertEquals(Outcome.ok(new TimeLeft(0, 10)), fixture.timeToLive(1).join());
    fixture.advanceSeconds(2);
    assertEquals(Outcome.ok(new TimeLeft(-2, 10)), fixture.timeToLive(1).join());
    fixture.applies = true;
    fixture.run();
    assertTtl(0, reply);
    assertTrue(fixture.ended.containsKey(1L));
  }

  @Test
  void aMemberThatDoesNotLeadEndsNothing() {
    LessorFixture follower = new LessorFixture();
    follower.grant(1, 10);
    follower.advanceSeconds(1000);
    assertEquals(List.of(), follower.expiries);
    assertEquals(Long.MAX_VALUE, follower.lessor.nextWakeNanos());
  }

  @Test
  void aLeaderThatIsNotConfirmedOrHasNotAppliedEverythingEndsNothing() {
    LessorFixture next = new LessorFixture();
    next.grant(1, 10);
    next.quorum = false;
    next.lead(2);
    next.advanceSeconds(100);
    assertFalse(next.lessor.isPrimary());
    next.quorum = true;
    next.applies = false;
    next.run();
    assertFalse(next.lessor.isPrimary());
    next.applies = true;
    next.run();
    assertTrue(next.lessor.isPrimary());
    assertEquals(List.of(), next.expiries);
  }

  @Test
  void aNewLeaderGivesAllOfTheTtlAndAnElectionTimeout() {
    fixture.grant(1, 10);
    fixture.advanceSeconds(9);
    fixture.lessor.follows();
    fixture.advanceSeconds(100);
    fixture.lead(3);
    long begun = fixture.now;
    fixture.advanceSeconds(10.9);
    assertEquals(Map.of(), fixture.ended);
    fixture.advanceSeconds(0.3);
    assertTrue(fixture.endedAt(1) >= begun + 11 * SECOND);
  }

  @Test
  void whatALeaderProposedDoesNothingInTheTermOfAnother() {
    fixture.grant(1, 10);
    fixture.applies = false;
    fixture.advanceSeconds(10.2);
    assertEquals(1, fixture.expiries.size());
    fixture.lessor.follows();
    fixture.term = 2;
    fixture.applies = true;
    fixture.run();
    assertEquals(Map.of(), fixture.ended);
    assertEquals(1, fixture.lessor.size());
  }

  @Test
  void whatTheLogDoesNotTakeIsProposedAgain() {
    fixture.grant(1, 10);
    fixture.refusing = true;
    fixture.advanceSeconds(12);
    assertTrue(fixture.expiries.size() > 2, () -> "proposed " + fixture.expiries.size());
    assertTrue(fixture.expiries.size() < 6, () -> "proposed " + fixture.expiries.size());
    fixture.refusing = false;
    fixture.advanceSeconds(1);
    assertTrue(fixture.ended.containsKey(1L));
  }

  @Test
  void aLeaseOfTheSameIdGrantedAnewHasATimeOfItsOwn() {
    fixture.grant(1, 10);
    fixture.advanceSeconds(9);
    fixture.revoke(1);
    fixture.grant(1, 10);
    fixture.advanceSeconds(9);
    assertEquals(Map.of(), fixture.ended);
  }

  @Test
  void aLongLeaseIsCheckpointedWhenItWasNotRenewedForLong() {
    fixture.grant(1, 1000);
    fixture.advanceSeconds(299);
    assertTtl(1000, fixture.renew(1));
    fixture.advanceSeconds(299);
    assertEquals(List.of(), fixture.checkpoints);
    fixture.advanceSeconds(62);
    assertEquals(1, fixture.checkpoints.size());
    long left = fixture.logged(1);
    assertTrue(left >= 640 && left <= 700, () -> left + " s");

    fixture.lessor.follows();
    fixture.advanceSeconds(10_000);
    fixture.lead(2);
    long begun = fixture.now;
    fixture.advanceSeconds(left + 2);
    assertTrue(fixture.endedAt(1) >= begun + (left + 1) * SECOND);
  }

  @Test
  void aRenewalAfterACheckpointGoesThroughTheLogFirst() {
    fixture.grant(1, 1000);
    fixture.advanceSeconds(400);
    assertTrue(fixture.logged(1) > 0);
    fixture.applies = false;
    CompletableFuture<Outcome<Long>> reply = fixture.renew(1);
    CompletableFuture<Outcome<Long>> another = fixture.renew(1);
    assertFalse(reply.isDone());
    assertEquals(2, fixture.checkpoints.size());
    fixture.applies = true;
    fixture.run();
    assertTtl(1000, reply);
    assertTtl(1000, another);
    assertEquals(0, fixture.logged(1));
    assertTtl(1000, fixture.renew(1));
    assertEquals(2, fixture.checkpoints.size());
  }

  @Test
  void aCheckpointOnItsWayIsTakenBackToo() {
    fixture.grant(1, 1000);
    fixture.applies = false;
    fixture.advanceSeconds(400);
    assertEquals(1, fixture.checkpoints.size());
    CompletableFuture<Outcome<Long>> reply = fixture.renew(1);
    assertFalse(reply.isDone());
    fixture.applies = true;
    fixture.run();
    assertTtl(1000, reply);
    assertEquals(0, fixture.logged(1));
  }

  /** It would come behind it in the log, and shorten what was answered because of the other. */
  @Test
  void noCheckpointIsProposedBehindTheEntryThatTakesOneBack() {
    fixture.grant(1, 1000);
    fixture.advanceSeconds(400);
    fixture.applies = false;
    CompletableFuture<Outcome<Long>> reply = fixture.renew(1);
    assertEquals(2, fixture.checkpoints.size());
    fixture.advanceSeconds(400);
    assertEquals(2, fixture.checkpoints.size());
    fixture.applies = true;
    fixture.run();
    assertTrue(reply.isDone());
    assertEquals(0, fixture.logged(1));
    fixture.advanceSeconds(400);
    assertEquals(3, fixture.checkpoints.size());
  }

  @Test
  void aCheckpointThatCannotBeTakenBackIsTriedAgain() {
    fixture.grant(1, 1000);
    fixture.advanceSeconds(400);
    fixture.refusing = true;
    CompletableFuture<Outcome<Long>> reply = fixture.renew(1);
    fixture.advanceSeconds(2);
    assertFalse(reply.isDone());
    fixture.refusing = false;
    fixture.advanceSeconds(0.5);
    assertTtl(1000, reply);
  }

  @Test
  void whatWasNeverAppliedIsForgottenWithTheTerm() {
    fixture.grant(1, 1000);
    fixture.refusing = true;
    fixture.advanceSeconds(400);
    fixture.lessor.follows();
    fixture.refusing = false;
    fixture.lead(2);
    int before = fixture.checkpoints.size();
    assertTtl(1000, fixture.renew(1));
    assertEquals(before, fixture.checkpoints.size());
  }

  @Test
  void whatASnapshotHoldsTakesThePlaceOfEverything() {
    LessorFixture follower = new LessorFixture();
    follower.grant(1, 10);
    var other = new io.kvorum.persistence.mvcc.StoredLease(2, 20, 5, 3);
    follower.lessor.load(9, sink -> sink.accept(other));
    follower.index = 8;
    follower.grant(3, 10);
    List<Long> all = new ArrayList<>();
    follower.lessor.forEachByExpiry(all::add);
    assertEquals(List.of(2L), all);
    assertNull(follower.lessor.expiresAtNanos(2));
    follower.index = 9;
    follower.lead(1);
    assertEquals(follower.now + 6 * SECOND, follower.lessor.expiresAtNanos(2));
  }

  @Test
  void manyLeasesThatEndTogetherEndInBoundedBatches() {
    fixture.applies = false;
    for (int id = 1; id <= 10_000; id++) {
      fixture.grant(id, 10);
    }
    fixture.advanceSeconds(11);
    assertEquals(Lessor.MAX_EXPIRIES, fixture.log.size());
    fixture.applies = true;
    fixture.run();
    assertEquals(10_000, fixture.ended.size());
    assertTrue(fixture.expiries.stream().allMatch(e -> e.getIdsCount() <= Lessor.MAX_EXPIRED));
  }

  @Test
  void theyAreListedInTheOrderOfTheirEnd() {
    fixture.grant(1, 30);
    fixture.grant(2, 10);
    fixture.grant(3, 20);
    List<Long> all = new ArrayList<>();
    fixture.lessor.forEachByExpiry(all::add);
    assertEquals(List.of(2L, 3L, 1L), all);
  }
}
