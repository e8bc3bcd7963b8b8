package io.kvorum.actors.group;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvorum.actors.apply.AppliedIndex;
import io.kvorum.protocol.LogPosition;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ApplyGateTest {
  private final AppliedIndex applied = new AppliedIndex(new LogPosition(10, 1));
  private final ApplyGate gate = new ApplyGate(applied);
  private final List<String> done = new ArrayList<>();

  private void enter(String name, long bytes, long now) {
    gate.enter(bytes, now, () -> done.add(name), () -> done.add("not " + name));
  }

  private List<String> done() {
    List<String> now = List.copyOf(done);
    done.clear();
    return now;
  }

  @Test
  void isOpenUpToTheLimit() {
    gate.delivered(10 + ApplyGate.MAX_LAG_ENTRIES);
    enter("a", 1, 0);
    assertEquals(List.of("a"), done());
  }

  @Test
  void beyondItProposalsWaitAndPassInOrderOnceTheApplierIsNear() {
    gate.delivered(12 + ApplyGate.MAX_LAG_ENTRIES);
    enter("a", 1, 0);
    gate.delivered(13 + ApplyGate.MAX_LAG_ENTRIES);
    enter("b", 1, 0);
    applied.advance(new LogPosition(11, 1));
    gate.expire(ApplyGate.MAX_WAIT_NANOS - 1);
    assertEquals(List.of(), done());
    applied.advance(new LogPosition(12, 1));
    assertEquals(List.of("a", "b"), done());
    gate.expire(ApplyGate.MAX_WAIT_NANOS);
    enter("c", 1, 0);
    assertEquals(List.of(), done());
    applied.advance(new LogPosition(13, 1));
    assertEquals(List.of("c"), done());
  }

  @Test
  void whoWaitsTooLongIsRefusedAndDoesNotPassAfterwards() {
    gate.delivered(11 + ApplyGate.MAX_LAG_ENTRIES);
    enter("a", 1, 0);
    enter("b", 1, 5);
    gate.expire(ApplyGate.MAX_WAIT_NANOS);
    assertEquals(List.of("not a"), done());
    applied.advance(new LogPosition(11, 1));
    assertEquals(List.of("b"), done());
  }

  @Test
  void whoFindsNoRoomIsRefusedAtOnce() {
    gate.delivered(11 + ApplyGate.MAX_LAG_ENTRIES);
    enter("a", ApplyGate.MAX_WAITING_BYTES, 0);
    enter("b", 1, 0);
    assertEquals(List.of("not b"), done());
    gate.expire(ApplyGate.MAX_WAIT_NANOS);
    assertEquals(List.of("not a"), done());
    enter("c", 1, ApplyGate.MAX_WAIT_NANOS);
    applied.advance(new LogPosition(11, 1));
    assertEquals(List.of("c"), done());
  }
}
