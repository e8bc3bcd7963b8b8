package io.kvorum.actors.group;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvorum.persistence.mvcc.KeyValueHash;
import io.kvorum.protocol.MemberId;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

final class HashVerdictTest {
  private static final MemberId LEADER = new MemberId(1);

  private static KeyValueHash hash(int crc) {
    return new KeyValueHash(crc, 10, 5);
  }

  private static PeerHash peer(long member, KeyValueHash hash) {
    return new PeerHash(new MemberId(member), hash, 10);
  }

  private static HashVerdict verdict(int members, PeerHash... others) {
    return HashVerdict.of(LEADER, hash(7), List.of(others), members);
  }

  private static Set<MemberId> members(long... ids) {
    return Arrays.stream(ids).mapToObj(MemberId::new).collect(Collectors.toSet());
  }

  @Test
  void equalHashesAccuseNobody() {
    assertEquals(new HashVerdict(Set.of(), 3), verdict(3, peer(2, hash(7)), peer(3, hash(7))));
    assertEquals(new HashVerdict(Set.of(), 1), verdict(3));
  }

  @Test
  void theMinorityIsAccusedBeItAFollowerOrTheLeader() {
    assertEquals(new HashVerdict(members(3), 3), verdict(3, peer(2, hash(7)), peer(3, hash(8))));
    assertEquals(new HashVerdict(members(1), 3), verdict(3, peer(2, hash(8)), peer(3, hash(8))));
    assertEquals(
        new HashVerdict(members(4, 5), 5),
        verdict(5, peer(2, hash(7)), peer(3, hash(7)), peer(4, hash(8)), peer(5, hash(9))));
  }

  @Test
  void whereNoHashHasAQuorumNobodyIsNamed() {
    assertEquals(new HashVerdict(members(0), 2), verdict(2, peer(2, hash(8))));
    assertEquals(new HashVerdict(members(0), 3), verdict(3, peer(2, hash(8)), peer(3, hash(9))));
    // One did not answer: it may hold either.
    assertEquals(new HashVerdict(members(0), 2), verdict(3, peer(2, hash(8))));
  }

  @Test
  void whatIsOfAnotherRevisionOrCompactionIsNotCompared() {
    assertEquals(
        new HashVerdict(Set.of(), 1),
        verdict(3, peer(2, new KeyValueHash(8, 9, 5)), peer(3, new KeyValueHash(8, 10, 4))));
  }
}
