package io.kvorum.actors.group;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class VersionNegotiationTest {
  private static Optional<String> decide(String present, String... versions) {
    Membership.Builder membership = Membership.newBuilder().setClusterVersion(present);
    for (int i = 0; i < versions.length; i++) {
      membership.addMembers(Membership.Member.newBuilder().setId(i));
    }
    List<String> known = List.of(versions);
    return VersionNegotiation.decide(
        membership.build(),
        (MemberId member) ->
            Optional.of(known.get((int) member.value())).filter(version -> !version.isEmpty()));
  }

  @Test
  void theLowestMemberDecides() {
    assertEquals(Optional.of("3.7.0"), decide("", "3.7.1", "3.7.4"));
    assertEquals(Optional.of("3.6.0"), decide("", "3.7.1", "3.6.9", "3.10.0"));
    assertEquals(Optional.of("3.10.0"), decide("3.9.0", "3.10.0-rc.1", "3.11.2"));
  }

  @Test
  void nothingIsDecidedBeforeAllMembersWereHeard() {
    assertEquals(Optional.empty(), decide("", "3.7.1", ""));
    assertEquals(Optional.empty(), decide("3.7.0", "3.8.0", ""));
    assertEquals(Optional.empty(), decide("", "3.7.1", "seven"));
    assertEquals(Optional.empty(), decide(""));
  }

  @Test
  void itNeverGoesBack() {
    assertEquals(Optional.empty(), decide("3.7.0", "3.7.1", "3.7.9"));
    assertEquals(Optional.empty(), decide("3.7.0", "3.6.0", "3.7.9"));
    assertEquals(Optional.of("3.8.0"), decide("3.7.0", "3.8.0", "3.8.1"));
  }
}
