package io.kvorum.actors.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Member 1 is asked; capital letters of a membership have started, small ones have not. */
final class ReconfigurationCheckTest {
  /** One letter a member: V voter, L learner, ids from 1. */
  private static ReconfigurationCheck check(String members, long... steady) {
    Membership.Builder membership = Membership.newBuilder();
    for (int i = 0; i < members.length(); i++) {
      char member = members.charAt(i);
      membership.addMembers(
          Membership.Member.newBuilder()
              .setId(i + 1)
              .setName(Character.isUpperCase(member) ? "m" + i : "")
              .setIsLearner(Character.toUpperCase(member) == 'L'));
    }
    Set<MemberId> connected = new TreeSet<>();
    for (long member : steady) {
      connected.add(new MemberId(member));
    }
    return new ReconfigurationCheck(
        membership.build(), new MemberId(1), connected::contains, connected::contains);
  }

  @Test
  void aSingleMemberMayAlwaysGrowByOneThatHasNotStarted() {
    assertNull(check("V").add(false));
    assertEquals(EtcdError.MEMBER_NOT_ENOUGH_STARTED, check("Vv").add(false));
  }

  @Test
  void enoughMembersMustHaveStartedForTheEnlargedQuorum() {
    assertNull(check("VVV", 2, 3).add(false));
    assertNull(check("VVVv", 2, 3).add(false));
    assertEquals(EtcdError.MEMBER_NOT_ENOUGH_STARTED, check("VVvv", 2).add(false));
    // A learner changes no quorum.
    assertEquals(EtcdError.UNHEALTHY, check("VVvv", 2).add(true));
    assertNull(check("VVV", 2, 3).add(true));
  }

  @Test
  void theAskedMemberMustHaveHeardAQuorumOfTheEnlargedClusterForLong() {
    assertEquals(EtcdError.UNHEALTHY, check("VVV", 2).add(false));
    assertEquals(EtcdError.UNHEALTHY, check("VV").add(false));
    assertNull(check("VV", 2).add(false));
    assertNull(check("VVVVV", 2, 3, 4).add(false));
    assertEquals(EtcdError.UNHEALTHY, check("VVVVV", 2, 3).add(false));
  }

  @Test
  void learnersDoNotCountInQuorums() {
    assertEquals(EtcdError.UNHEALTHY, check("VVVL", 2, 4).add(false));
  }

  @Test
  void removalMustLeaveAQuorumOfStartedAndHeardVoters() {
    assertNull(check("VVV", 2, 3).remove(new MemberId(2)));
    assertNull(check("VVV", 2, 3).remove(new MemberId(1)));
    assertEquals(EtcdError.UNHEALTHY, check("VVV", 2).remove(new MemberId(2)));
    assertEquals(EtcdError.MEMBER_NOT_ENOUGH_STARTED, check("VVv", 2).remove(new MemberId(2)));
    assertEquals(EtcdError.MEMBER_NOT_ENOUGH_STARTED, check("V").remove(new MemberId(1)));
  }

  @Test
  void whoIsDownOrNeverStartedMayGo() {
    assertNull(check("VVV", 2).remove(new MemberId(3)));
    assertNull(check("VVv", 2).remove(new MemberId(3)));
    assertNull(check("VL").remove(new MemberId(2)));
  }

  @Test
  void aPromotedLearnerCountsAsStarted() {
    assertNull(check("VL").promote());
    assertNull(check("VVvL").promote());
    assertEquals(EtcdError.MEMBER_NOT_ENOUGH_STARTED, check("VvvvL").promote());
  }
}
