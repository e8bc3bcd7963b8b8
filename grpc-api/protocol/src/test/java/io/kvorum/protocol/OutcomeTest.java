package io.kvorum.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvorum.protocol.Outcome.Ok;
import io.kvorum.protocol.Outcome.Refused;
import org.junit.jupiter.api.Test;

class OutcomeTest {
  @Test
  void mapChangesAValueAndKeepsARefusal() {
    Outcome<Integer> five = Outcome.ok(5);
    Outcome<Integer> refused = Outcome.refused(EtcdError.EMPTY_KEY);
    assertEquals(new Ok<>("5"), five.map(String::valueOf));
    assertEquals(new Refused<>(EtcdError.EMPTY_KEY), refused.map(String::valueOf));
  }

  @Test
  void memberIdsAreUnsigned() {
    MemberId large = new MemberId(-1);
    MemberId small = new MemberId(1);
    assertEquals(1, Integer.signum(large.compareTo(small)));
    assertEquals("ffffffffffffffff", large.toString());
    assertEquals("0", MemberId.NONE.toString());
  }
}
