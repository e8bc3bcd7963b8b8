package io.kvorum.verification.conformance.differential;

import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.RangeRequest.SortOrder;
import io.etcd.jetcd.api.RangeRequest.SortTarget;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Every way in which an older etcd is known to answer differently from etcd 3.7.1, whose behaviour
 * Kvorum follows. Nothing wider is tolerated, and a difference that no longer occurs in a long
 * enough run makes that run fail, so that the list stays true.
 */
public enum KnownDifference {
  /**
   * 3.4 does not look at the numbers of sort_order and sort_target; 3.7 refuses unknown ones. An
   * unknown order is answered by a 3.4 as if it were none; in a txn that writes this would leave
   * the two with different keys, so those are not sent. An unknown target ends a 3.4's process, so
   * it is not sent at all.
   */
  UNKNOWN_SORT_ORDER_ACCEPTED(
      "3.4.",
      call ->
          Operations.ranges(call)
                  .anyMatch(range -> range.getSortTarget() == SortTarget.UNRECOGNIZED)
              || (!call.readOnly()
                  && Operations.ranges(call).anyMatch(KnownDifference::hasUnknownOrder)),
      (call, reference, subject) ->
          Operations.ranges(call).anyMatch(KnownDifference::hasUnknownOrder)
              && isRefusal(subject, "etcdserver: invalid sort option")),

  /**
   * Before a txn is applied 3.4 looks at all its puts and then at all its ranges, 3.7 at its
   * operations in their order. A txn with a faulty put behind a faulty range is refused by both,
   * with the error of a different operation.
   */
  PUTS_CHECKED_BEFORE_RANGES(
      "3.4.",
      call -> false,
      (call, reference, subject) ->
          call instanceof Call.Txn
              && isRefusal(
                  reference, "etcdserver: key not found", "etcdserver: requested lease not found")
              && isRefusal(
                  subject,
                  "etcdserver: mvcc: required revision has been compacted",
                  "etcdserver: mvcc: required revision is a future revision")),

  /**
   * Of one put in a txn that keeps the value of an absent key and names an absent lease, 3.4
   * reports the key and 3.7 the lease. (A put outside a txn: both the lease.)
   */
  KEY_CHECKED_BEFORE_LEASE_IN_TXN(
      "3.4.",
      call -> false,
      (call, reference, subject) ->
          call instanceof Call.Txn
              && Operations.puts(call).anyMatch(put -> put.getIgnoreValue() && put.getLease() != 0)
              && isRefusal(reference, "etcdserver: key not found")
              && isRefusal(subject, "etcdserver: requested lease not found"));

  /** Version prefix of the references that differ in this way, such as {@code 3.4.}. */
  private final String referenceVersion;

  private final Predicate<Call> notSent;
  private final Rule rule;

  /** True when these two answers to the call differ by this and by nothing else. */
  @FunctionalInterface
  interface Rule {
    boolean explains(Call call, Answer reference, Answer subject);
  }

  KnownDifference(String referenceVersion, Predicate<Call> notSent, Rule rule) {
    this.referenceVersion = referenceVersion;
    this.notSent = notSent;
    this.rule = rule;
  }

  /** The differences to expect from a reference of this version. */
  public static List<KnownDifference> of(String version) {
    return Arrays.stream(values()).filter(d -> version.startsWith(d.referenceVersion)).toList();
  }

  /**
   * True when this difference would leave the two servers with different contents after the call.
   */
  public boolean keepsApart(Call call) {
    return notSent.test(call);
  }

  static Optional<KnownDifference> explaining(
      List<KnownDifference> expected, Call call, Answer reference, Answer subject) {
    return expected.stream().filter(d -> d.rule.explains(call, reference, subject)).findFirst();
  }

  private static boolean hasUnknownOrder(RangeRequest range) {
    return range.getSortOrder() == SortOrder.UNRECOGNIZED;
  }

  private static boolean isRefusal(Answer answer, String... texts) {
    return answer instanceof Answer.Failure failure
        && List.of(texts).contains(failure.description());
  }
}
