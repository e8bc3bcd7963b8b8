package io.kvorum.actors.raft.quorum;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.kvorum.protocol.MemberId;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

final class MajorityTest {
  private static List<MemberId> voters(int count) {
    return LongStream.rangeClosed(1, count).mapToObj(MemberId::new).toList();
  }

  @Test
  void sizes() {
    assertEquals(
        List.of(1, 2, 2, 3, 3), List.of(1, 2, 3, 4, 5).stream().map(Majority::size).toList());
  }

  @Test
  void theIndexThatAQuorumHasReached() {
    Map<MemberId, Long> match =
        Map.of(new MemberId(1), 5L, new MemberId(2), 2L, new MemberId(3), 9L, new MemberId(4), 1L);
    assertEquals(5, Majority.reached(voters(1), match::get));
    assertEquals(2, Majority.reached(voters(2), match::get));
    assertEquals(5, Majority.reached(voters(3), match::get));
    assertEquals(2, Majority.reached(voters(4), match::get));
    assertEquals(0, Majority.reached(List.of(), match::get));
  }

  @Test
  void tallies() {
    MemberId one = new MemberId(1);
    MemberId two = new MemberId(2);
    assertEquals(Majority.Tally.OPEN, Majority.tally(voters(3), Map.of(one, true)));
    assertEquals(Majority.Tally.WON, Majority.tally(voters(3), Map.of(one, true, two, true)));
    assertEquals(Majority.Tally.LOST, Majority.tally(voters(3), Map.of(one, false, two, false)));
    assertEquals(Majority.Tally.OPEN, Majority.tally(voters(3), Map.of(one, false, two, true)));
    assertFalse(Majority.holds(List.of(), m -> true));
  }
}
