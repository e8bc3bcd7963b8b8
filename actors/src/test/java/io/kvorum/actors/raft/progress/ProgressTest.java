package io.kvorum.actors.raft.progress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class ProgressTest {
  private final Progress progress = new Progress(10, 2, 100);

  @Test
  void aProbeGoesOutOnceUntilItIsAnswered() {
    assertFalse(progress.isPaused());
    progress.sent(12, 30);
    assertTrue(progress.isPaused());
    assertFalse(progress.heartbeat());
    assertFalse(progress.isPaused());
    assertEquals(10, progress.next());
  }

  @Test
  void anAcknowledgementOpensThePipelineWithinItsWindow() {
    progress.acknowledged(9, 1);
    assertEquals(Progress.Mode.REPLICATE, progress.mode());
    progress.sent(10, 10);
    assertFalse(progress.isPaused());
    progress.sent(11, 10);
    assertTrue(progress.isPaused());
    assertTrue(progress.acknowledged(10, 1));
    assertFalse(progress.isPaused());
    assertEquals(12, progress.next());
  }

  @Test
  void bytesCloseTheWindowToo() {
    progress.acknowledged(9, 1);
    progress.sent(10, 500);
    assertTrue(progress.isPaused());
  }

  @Test
  void aRefusalGoesBackToWhereTheLogsMayAgree() {
    assertTrue(progress.rejected(9, 4));
    assertEquals(5, progress.next());
    assertFalse(progress.rejected(9, 2), "a stale refusal counts for nothing");
    progress.acknowledged(7, 1);
    progress.sent(9, 10);
    assertFalse(progress.rejected(6, 3), "older than what is known to match");
    assertTrue(progress.rejected(9, 3));
    assertEquals(8, progress.next());
    assertEquals(Progress.Mode.PROBE, progress.mode());
  }

  @Test
  void aPipelineWithoutAnswersBetweenTwoHeartbeatsIsSilent() {
    progress.acknowledged(9, 1);
    assertFalse(progress.heartbeat(), "nothing is on its way");
    progress.sent(10, 10);
    assertTrue(progress.heartbeat());
    progress.sent(11, 10);
    progress.acknowledged(10, 1);
    assertFalse(progress.heartbeat(), "it answered since");
    assertTrue(progress.heartbeat());
  }

  @Test
  void aFollowerInSnapshotModeIsSentNothingUntilItHasWhatTheLogBeginsBehind() {
    progress.becomeSnapshot(20);
    assertTrue(progress.isPaused());
    assertEquals(20, progress.needsBehind());
    assertFalse(progress.rejected(9, 3));
    progress.acknowledged(15, 21);
    assertEquals(Progress.Mode.SNAPSHOT, progress.mode());
    progress.acknowledged(20, 21);
    assertEquals(Progress.Mode.REPLICATE, progress.mode());
    assertEquals(21, progress.next());
  }

  @Test
  void aDeliveredSnapshotIsProbedBehindItsEndFromTheNextHeartbeatOn() {
    progress.becomeSnapshot(20);
    progress.snapshotDone(30);
    assertEquals(Progress.Mode.PROBE, progress.mode());
    assertEquals(31, progress.next());
    assertEquals(30, progress.needsBehind());
    assertTrue(progress.isInstalling());
    assertTrue(progress.isPaused());
    progress.heartbeat();
    assertFalse(progress.isPaused());
    progress.acknowledged(7, 1);
    assertEquals(Progress.Mode.PROBE, progress.mode(), "an answer from before the snapshot");
    progress.acknowledged(30, 21);
    assertEquals(Progress.Mode.REPLICATE, progress.mode());
    assertFalse(progress.isInstalling());
  }

  @Test
  void afterASnapshotThatDidNotArriveTheFollowerIsProbedWhereItWas() {
    progress.acknowledged(9, 1);
    progress.becomeSnapshot(20);
    progress.snapshotDone(0);
    assertEquals(Progress.Mode.PROBE, progress.mode());
    assertEquals(10, progress.next());
  }

  @Test
  void aLostConnectionIsProbed() {
    progress.acknowledged(9, 1);
    progress.sent(12, 30);
    progress.becomeProbe();
    assertEquals(10, progress.next());
    assertFalse(progress.isPaused());
  }

  @Test
  void activeForTheRoundInWhichItWasHeardAndTheOneAfter() {
    assertFalse(progress.isActive());
    progress.markActive();
    assertTrue(progress.takeActive());
    assertTrue(progress.isActive());
    assertFalse(progress.takeActive());
    assertFalse(progress.isActive());
  }
}
