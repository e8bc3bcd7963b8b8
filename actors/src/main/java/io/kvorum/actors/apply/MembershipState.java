package io.kvorum.actors.apply;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.actors.raft.membership.Standing;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.MemberAttributes;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.protocol.internal.MembershipChange;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The replicated membership, the cluster's version, and the downgrade that is asked for. */
public final class MembershipState extends StoredState<Membership> {
  /** Key of the membership among the keyspace's meta records. */
  public static final String META_KEY = "membership";

  public MembershipState(Membership initial) {
    super(META_KEY, initial);
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

  /**
   * Reads what a log entry of that kind asks for.
   *
   * @throws IllegalStateException if it cannot be read
   */
  public static MembershipChange change(Entry entry) {
    try {
      return MembershipChange.parseFrom(entry.payload());
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("entry " + entry.position() + " cannot be read", e);
    }
  }

  public Configuration configuration() {
    return configuration(get());
  }

  /** What a member is, without putting the whole configuration together. */
  public Standing standing(MemberId member) {
    for (Membership.Member known : get().getMembersList()) {
      if (known.getId() == member.value()) {
        return known.getIsLearner() ? Standing.LEARNER : Standing.VOTER;
      }
    }
    return Standing.NOBODY;
  }

  /** Who votes and who learns. */
  public static Configuration configuration(Membership membership) {
    List<MemberId> voters = new ArrayList<>();
    List<MemberId> learners = new ArrayList<>();
    for (Membership.Member member : membership.getMembersList()) {
      (member.getIsLearner() ? learners : voters).add(new MemberId(member.getId()));
    }
    return Configuration.of(voters, learners);
  }

  /** Changes the membership, or refuses to, which every member does alike. */
  public Outcome<Membership> apply(MembershipChange change) {
    EtcdError refusal = refusal(change);
    if (refusal != null) {
      return Outcome.refused(refusal);
    }
    Membership.Builder next = get().toBuilder();
    int at = indexOf(change.getMemberId());
    switch (change.getKind()) {
      case ADD_VOTER, ADD_LEARNER -> {
        next.addMembers(
            Membership.Member.newBuilder()
                .setId(change.getMemberId())
                .addAllPeerUrls(change.getPeerUrlsList())
                .setIsLearner(change.getKind() == MembershipChange.Kind.ADD_LEARNER));
        sortById(next);
      }
      case PROMOTE -> edit(next, at, member -> member.setIsLearner(false));
      case UPDATE ->
          edit(next, at, m -> m.clearPeerUrls().addAllPeerUrls(change.getPeerUrlsList()));
      case REMOVE -> next.removeMembers(at).addRemovedIds(change.getMemberId());
      case UNRECOGNIZED -> throw ofLaterVersion(change);
    }
    set(next.build());
    return Outcome.ok(get());
  }

  /** Why a change cannot be made, in etcd's order (membership/cluster.go). */
  private @Nullable EtcdError refusal(MembershipChange change) {
    long id = change.getMemberId();
    // The id of a removed member is never used again.
    if (get().getRemovedIdsList().contains(id)) {
      return EtcdError.MEMBER_NOT_FOUND;
    }
    int at = indexOf(id);
    return switch (change.getKind()) {
      case ADD_VOTER, ADD_LEARNER -> {
        if (at >= 0) {
          yield EtcdError.MEMBER_EXIST;
        }
        if (usedByAnother(change)) {
          yield EtcdError.PEER_URL_EXIST;
        }
        yield tooManyLearners(change) ? EtcdError.TOO_MANY_LEARNERS : null;
      }
      case PROMOTE -> {
        if (at < 0) {
          yield EtcdError.MEMBER_NOT_FOUND;
        }
        yield get().getMembers(at).getIsLearner() ? null : EtcdError.MEMBER_NOT_LEARNER;
      }
      case UPDATE -> {
        if (at < 0) {
          yield EtcdError.MEMBER_NOT_FOUND;
        }
        yield usedByAnother(change) ? EtcdError.PEER_URL_EXIST : null;
      }
      case REMOVE -> at < 0 ? EtcdError.MEMBER_NOT_FOUND : null;
      case UNRECOGNIZED -> throw ofLaterVersion(change);
    };
  }

  private static IllegalStateException ofLaterVersion(MembershipChange change) {
    return new IllegalStateException("membership change of a later version: " + change);
  }

  private boolean usedByAnother(MembershipChange change) {
    return get().getMembersList().stream()
        .filter(member -> member.getId() != change.getMemberId())
        .anyMatch(m -> !Collections.disjoint(m.getPeerUrlsList(), change.getPeerUrlsList()));
  }

  private boolean tooManyLearners(MembershipChange change) {
    long learners = get().getMembersList().stream().filter(Membership.Member::getIsLearner).count();
    return change.getKind() == MembershipChange.Kind.ADD_LEARNER
        && change.hasMaxLearners()
        && learners >= Integer.toUnsignedLong(change.getMaxLearners());
  }

  void apply(MemberAttributes attributes) {
    Membership.Builder next = get().toBuilder();
    edit(
        next,
        indexOf(attributes.getMemberId()),
        member ->
            member
                .setName(attributes.getName())
                .clearClientUrls()
                .addAllClientUrls(attributes.getClientUrlsList()));
    set(next.build());
  }

  void applyClusterVersion(String version) {
    set(get().toBuilder().setClusterVersion(version).build());
  }

  void applyDowngrade(String targetVersion) {
    set(get().toBuilder().setDowngradeTarget(targetVersion).build());
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
    for (int i = 0; i < get().getMembersCount(); i++) {
      if (get().getMembers(i).getId() == memberId) {
        return i;
      }
    }
    return -1;
  }
}
