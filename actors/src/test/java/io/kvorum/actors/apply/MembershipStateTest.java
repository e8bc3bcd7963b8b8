package io.kvorum.actors.apply;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.MemberAttributes;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.protocol.internal.MembershipChange;
import java.util.List;
import org.junit.jupiter.api.Test;

final class MembershipStateTest {
  private final MembershipState state = new MembershipState(Membership.getDefaultInstance());

  private void change(MembershipChange.Kind kind, long id, String... urls) {
    state.apply(
        MembershipChange.newBuilder()
            .setKind(kind)
            .setMemberId(id)
            .addAllPeerUrls(List.of(urls))
            .build());
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
  void attributesOfAnUnknownMemberChangeNothing() {
    change(MembershipChange.Kind.ADD_VOTER, 1, "http://a:1");
    state.apply(MemberAttributes.newBuilder().setMemberId(1).setName("one").build());
    state.apply(MemberAttributes.newBuilder().setMemberId(5).setName("five").build());
    assertEquals("one", state.get().getMembers(0).getName());
    assertEquals(1, state.get().getMembersCount());
  }
}
