package io.kvorum.actors.apply;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.MemberAttributes;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.protocol.internal.MembershipChange;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The replicated membership: kept in the keyspace beside the applied index, changed by entries of
 * the log only. The applier changes it; any thread reads it.
 */
public final class MembershipState {
  /** Key of the membership among the keyspace's meta records. */
  public static final String META_KEY = "membership";

  private volatile Membership current;

  public MembershipState(Membership initial) {
    this.current = initial;
  }

  /**
   * Reads the stored form.
   *
   * @throws IllegalStateException if it cannot be read
   */
  public static Membership parse(byte[] stored) {
    try {
      return Membership.parseFrom(stored);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("the stored membership cannot be read", e);
    }
  }

  public Membership get() {
    return current;
  }

  public Configuration configuration() {
    List<MemberId> voters = new ArrayList<>();
    List<MemberId> learners = new ArrayList<>();
    for (Membership.Member member : current.getMembersList()) {
      (member.getIsLearner() ? learners : voters).add(new MemberId(member.getId()));
    }
    return Configuration.of(voters, learners);
  }

  void apply(MembershipChange change) {
    Membership.Builder next = current.toBuilder();
    int at = indexOf(change.getMemberId());
    switch (change.getKind()) {
      case ADD_VOTER, ADD_LEARNER -> {
        if (at < 0) {
          next.addMembers(
              Membership.Member.newBuilder()
                  .setId(change.getMemberId())
                  .addAllPeerUrls(change.getPeerUrlsList())
                  .setIsLearner(change.getKind() == MembershipChange.Kind.ADD_LEARNER));
          sortById(next);
        }
      }
      case PROMOTE -> edit(next, at, member -> member.setIsLearner(false));
      case UPDATE ->
          edit(next, at, m -> m.clearPeerUrls().addAllPeerUrls(change.getPeerUrlsList()));
      case REMOVE -> {
        if (at >= 0) {
          next.removeMembers(at).addRemovedIds(change.getMemberId());
        }
      }
      case UNRECOGNIZED ->
          throw new IllegalStateException("membership change of a later version: " + change);
    }
    current = next.build();
  }

  void apply(MemberAttributes attributes) {
    Membership.Builder next = current.toBuilder();
    edit(
        next,
        indexOf(attributes.getMemberId()),
        member ->
            member
                .setName(attributes.getName())
                .clearClientUrls()
                .addAllClientUrls(attributes.getClientUrlsList()));
    current = next.build();
  }

  void applyClusterVersion(String version) {
    current = current.toBuilder().setClusterVersion(version).build();
  }

  /** Takes back what a batch changed that could not be stored. */
  void restore(Membership before) {
    current = before;
  }

  private static void edit(
      Membership.Builder membership, int at, Consumer<Membership.Member.Builder> change) {
    if (at >= 0) {
      change.accept(membership.getMembersBuilder(at));
    }
  }

  private static void sortById(Membership.Builder membership) {
    List<Membership.Member> members = new ArrayList<>(membership.getMembersList());
    members.sort((a, b) -> Long.compareUnsigned(a.getId(), b.getId()));
    membership.clearMembers().addAllMembers(members);
  }

  private int indexOf(long memberId) {
    for (int i = 0; i < current.getMembersCount(); i++) {
      if (current.getMembers(i).getId() == memberId) {
        return i;
      }
    }
    return -1;
  }
}
