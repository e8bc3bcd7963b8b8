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
    progress.heartbeatAnswered();
    assertFalse(progress.isPaused());
    assertEquals(10, progress.next());
  }

  @Test
  void anAcknowledgementOpensThePipelineWithinItsWindow() {
    progress.acknowledged(9);
    assertEquals(Progress.Mode.REPLICATE, progress.mode());
    progress.sent(10, 10);
    assertFalse(progress.isPaused());
    progress.sent(11, 10);
    assertTrue(progress.isPaused());
    assertTrue(progress.acknowledged(10));
    assertFalse(progress.isPaused());
    assertEquals(12, progress.next());
  }

  @Test
  void bytesCloseTheWindowToo() {
    progress.acknowledged(9);
    progress.sent(10, 500);
    assertTrue(progress.isPaused());
  }

  @Test
  void aRefusalGoesBackToWhereTheLogsMayAgree() {
    assertTrue(progress.rejected(9, 4));
    assertEquals(5, progress.next());
    assertFalse(progress.rejected(9, 2), "a stale refusal counts for nothing");
    progress.acknowledged(7);
    progress.sent(9, 10);
    assertFalse(progress.rejected(6, 3), "older than what is known to match");
    assertTrue(progress.rejected(9, 3));
    assertEquals(8, progress.next());
    assertEquals(Progress.Mode.PROBE, progress.mode());
  }
}
