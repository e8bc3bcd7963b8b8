package io.kvorum.actors.apply;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.MemberAttributes;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.protocol.internal.MembershipChange;
import java.util.List;
import org.junit.jupiter.api.Test;

final class MembershipStateTest {
  private final MembershipState state = new MembershipState(Membership.getDefaultInstance());

  private Outcome<Membership> change(MembershipChange.Kind kind, long id, String... urls) {
    return state.apply(
        MembershipChange.newBuilder()
            .setKind(kind)
            .setMemberId(id)
            .addAllPeerUrls(List.of(urls))
            .setMaxLearners(1)
            .build());
  }

  private void refuses(EtcdError error, MembershipChange.Kind kind, long id, String... urls) {
    Membership before = state.get();
    assertEquals(Outcome.refused(error), change(kind, id, urls));
    assertSame(before, state.get());
  }

  @Test
  void membersStandInOrderOfTheirUnsignedIds() {
    change(MembershipChange.Kind.ADD_VOTER, -1, "http://c:1");
    change(MembershipChange.Kind.ADD_VOTER, 2, "http://a:1");
    change(MembershipChange.Kind.ADD_LEARNER, 9, "http://b:1");
    assertEquals(
        List.of(2L, 9L, -1L),
        state.get().getMembersList().stream().map(Membership.Member::getId).toList());
    assertEquals(
        Configuration.of(List.of(new MemberId(2), new MemberId(-1)), List.of(new MemberId(9))),
        state.configuration());
  }

  @Test
  void aLearnerIsPromotedAnAddressChangedAMemberRemovedForGood() {
    change(MembershipChange.Kind.ADD_VOTER, 1, "http://a:1");
    change(MembershipChange.Kind.ADD_LEARNER, 2, "http://b:1");
    change(MembershipChange.Kind.PROMOTE, 2);
    change(MembershipChange.Kind.UPDATE, 1, "http://z:1");
    assertEquals("http://z:1", state.get().getMembers(0).getPeerUrls(0));
    change(MembershipChange.Kind.REMOVE, 1);
    assertEquals(Configuration.of(List.of(new MemberId(2)), List.of()), state.configuration());
    assertEquals(List.of(1L), state.get().getRemovedIdsList());
  }

  @Test
  void anAddressBelongsToOneMemberOnly() {
    change(MembershipChange.Kind.ADD_VOTER, 1, "http://a:1", "http://a:2");
    change(MembershipChange.Kind.ADD_VOTER, 2, "http://b:1");
    refuses(
        EtcdError.PEER_URL_EXIST, MembershipChange.Kind.ADD_VOTER, 3, "http://c:1", "http://a:2");
    refuses(EtcdError.PEER_URL_EXIST, MembershipChange.Kind.UPDATE, 2, "http://a:1");
    var unchanged = change(MembershipChange.Kind.UPDATE, 2, "http://b:1");
    assertEquals(Outcome.ok(state.get()), unchanged);
  }

  @Test
  void anIdIsUsedOnceAndNeverAfterARemoval() {
    change(MembershipChange.Kind.ADD_VOTER, 1, "http://a:1");
    change(MembershipChange.Kind.ADD_VOTER, 2, "http://b:1");
    refuses(EtcdError.MEMBER_EXIST, MembershipChange.Kind.ADD_LEARNER, 2, "http://c:1");
    change(MembershipChange.Kind.REMOVE, 2);
    for (MembershipChange.Kind kind :
        List.of(
            MembershipChange.Kind.ADD_VOTER,
            MembershipChange.Kind.REMOVE,
            MembershipChange.Kind.UPDATE,
            MembershipChange.Kind.PROMOTE)) {
      refuses(EtcdError.MEMBER_NOT_FOUND, kind, 2, "http://c:1");
    }
    refuses(EtcdError.MEMBER_NOT_FOUND, MembershipChange.Kind.REMOVE, 9);
  }

  @Test
  void learnersAreFewAndOnlyTheyArePromoted() {
    change(MembershipChange.Kind.ADD_VOTER, 1, "http://a:1");
    change(MembershipChange.Kind.ADD_LEARNER, 2, "http://b:1");
    refuses(EtcdError.TOO_MANY_LEARNERS, MembershipChange.Kind.ADD_LEARNER, 3, "http://c:1");
    refuses(EtcdError.MEMBER_NOT_LEARNER, MembershipChange.Kind.PROMOTE, 1);
    refuses(EtcdError.MEMBER_NOT_FOUND, MembershipChange.Kind.PROMOTE, 3);
    change(MembershipChange.Kind.PROMOTE, 2);
    var another = change(MembershipChange.Kind.ADD_LEARNER, 3, "http://c:1");
    assertEquals(Outcome.ok(state.get()), another);
  }

  @Test
  void attributesOfAnUnknownMemberChangeNothing() {
    change(MembershipChange.Kind.ADD_VOTER, 1, "http://a:1");
    state.apply(MemberAttributes.newBuilder().setMemberId(1).setName("one").build());
    state.apply(MemberAttributes.newBuilder().setMemberId(5).setName("five").build());
    assertEquals("one", state.get().getMembers(0).getName());
    assertEquals(1, state.get().getMembersCount());
  }
}
