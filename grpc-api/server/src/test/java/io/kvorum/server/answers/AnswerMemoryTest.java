package io.kvorum.server.answers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class AnswerMemoryTest {
  private final AnswerMemory memory = new AnswerMemory(100);
  private final List<AnswerMemory.Share> granted = new ArrayList<>();

  private static AnswerMemory.Share some(AnswerMemory.@Nullable Share share) {
    assertNotNull(share);
    return share;
  }

  @Test
  void whoDoesNotFitWaitsInTurn() {
    AnswerMemory.Share first = some(memory.tryTake(60));
    assertNull(memory.tryTake(50));
    memory.take(50, granted::add);
    memory.take(10, granted::add);
    assertTrue(granted.isEmpty(), "the small one does not overtake");
    assertNull(memory.tryTake(10), "nor does one who does not want to wait");
    assertTrue(memory.someoneWaits());
    first.resize(40);
    assertEquals(2, granted.size());
    assertEquals(100, memory.usedBytes());
    first.release();
    first.release();
    assertEquals(60, memory.usedBytes());
    granted.forEach(AnswerMemory.Share::release);
    assertEquals(0, memory.usedBytes());
    assertFalse(memory.someoneWaits());
  }

  @Test
  void whoIsAloneMayHaveMoreThanAll() {
    AnswerMemory.Share all = some(memory.tryTake(1_000));
    memory.take(1, granted::add);
    assertTrue(granted.isEmpty());
    all.release();
    assertEquals(1, granted.size());
  }

  @Test
  void whatHasHappenedOverdrawsUpToTwiceTheBudget() {
    some(memory.tryTake(100));
    some(memory.overdraw(90));
    assertNull(memory.overdraw(20));
    some(memory.overdraw(10));
    assertEquals(200, memory.usedBytes());
  }

  @Test
  void whoLeavesTheQueueGetsNothing() {
    AnswerMemory.Share first = some(memory.tryTake(100));
    AnswerMemory.Waiting leaving = memory.take(100, granted::add);
    AnswerMemory.Waiting staying = memory.take(100, granted::add);
    assertTrue(leaving.cancel());
    first.release();
    assertEquals(1, granted.size());
    assertFalse(staying.cancel(), "it came already");
  }

  @Test
  void theQueueIsBounded() {
    some(memory.tryTake(100));
    for (int i = 0; i < AnswerMemory.MAX_WAITING; i++) {
      memory.take(1, granted::add);
    }
    assertThrows(RejectedExecutionException.class, () -> memory.take(1, granted::add));
  }
}
