package io.kvorum.actors.group;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Refuses changes of voters that endanger the quorum, before they are proposed ({@code
 * --strict-reconfig-check}; etcd's etcdserver/server.go, membership/cluster.go). A member has
 * started when its name is known.
 *
 * @param reachable members from which this one hears at present
 * @param steady of them, those from which it has heard without a break for long enough to rely on
 */
record ReconfigurationCheck(
    Membership membership,
    MemberId self,
    Predicate<MemberId> reachable,
    Predicate<MemberId> steady) {

  @Nullable EtcdError add(boolean learner) {
    List<Membership.Member> voters = voters();
    if (!learner && !enoughStartedToAdd(voters)) {
      return EtcdError.MEMBER_NOT_ENOUGH_STARTED;
    }
    // The new member counts as one that does not answer. A single member may always grow.
    boolean healthy = voters.size() == 1 || steadyVoters(voters) >= quorum(voters.size() + 1);
    return healthy ? null : EtcdError.UNHEALTHY;
  }

  /** From one to two is allowed: a cluster that was restored begins with one. */
  private static boolean enoughStartedToAdd(List<Membership.Member> voters) {
    long started = started(voters);
    return (started == 1 && voters.size() == 1) || started >= quorum(voters.size() + 1);
  }

  @Nullable EtcdError remove(MemberId target) {
    if (membership.getMembersList().stream()
        .anyMatch(member -> member.getId() == target.value() && member.getIsLearner())) {
      return null;
    }
    List<Membership.Member> voters = voters();
    List<Membership.Member> rest =
        voters.stream().filter(voter -> voter.getId() != target.value()).toList();
    if (started(rest) < quorum(rest.size())) {
      return EtcdError.MEMBER_NOT_ENOUGH_STARTED;
    }
    if (!target.equals(self) && !reachable.test(target)) {
      return null;
    }
    boolean healthy = steadyVoters(voters) - 1 >= quorum(voters.size() - 1);
    return healthy ? null : EtcdError.UNHEALTHY;
  }

  /** The learner counts, and as started. */
  @Nullable EtcdError promote() {
    List<Membership.Member> voters = voters();
    return started(voters) + 1 >= quorum(voters.size() + 1)
        ? null
        : EtcdError.MEMBER_NOT_ENOUGH_STARTED;
  }

  private List<Membership.Member> voters() {
    return membership.getMembersList().stream().filter(member -> !member.getIsLearner()).toList();
  }

  private static long started(List<Membership.Member> members) {
    return members.stream().filter(member -> !member.getName().isEmpty()).count();
  }

  private long steadyVoters(List<Membership.Member> voters) {
    return voters.stream()
        .map(voter -> new MemberId(voter.getId()))
        .filter(voter -> voter.equals(self) || steady.test(voter))
        .count();
  }

  private static int quorum(int members) {
    return members / 2 + 1;
  }
}
