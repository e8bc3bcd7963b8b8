package io.kvorum.actors.group;

import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.protocol.internal.MembershipChange;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code --force-new-cluster}: one member goes on alone with the data it has, after the others are
 * lost. Entries that remove them are put behind the end of its log, and all of the log counts as
 * committed: what of it was acknowledged cannot be told from what was not, and must not be lost.
 */
final class ForcedCluster {
  private ForcedCluster() {}

  /**
   * The entries to put behind the log's end; none if this member is alone already.
   *
   * @param applied what the keyspace has applied, and the membership there
   * @throws Bootstrap.RefusedException if the cluster has removed this member
   */
  static List<Entry> removalOfOthers(
      LogIdentity own, RecoveredLog log, long applied, Membership membershipApplied) {
    MembershipState membership = new MembershipState(membershipApplied);
    for (Entry entry : log.entries()) {
      if (entry.index() > applied && entry.kind() == EntryKind.MEMBERSHIP) {
        membership.apply(MembershipState.change(entry));
      }
    }
    List<MembershipChange> changes = new ArrayList<>();
    boolean member = false;
    for (Membership.Member each : membership.get().getMembersList()) {
      if (each.getId() != own.member().value()) {
        changes.add(change(MembershipChange.Kind.REMOVE, each.getId()));
      } else {
        member = true;
        if (each.getIsLearner()) {
          changes.addFirst(change(MembershipChange.Kind.PROMOTE, each.getId()));
        }
      }
    }
    if (!member) {
      throw new Bootstrap.RefusedException(
          "member "
              + own.member()
              + " is not part of the cluster that its data knows; --force-new-cluster needs the"
              + " data of one that is");
    }
    List<Entry> entries = new ArrayList<>();
    for (MembershipChange change : changes) {
      entries.add(
          new Entry(
              log.lastIndex() + entries.size() + 1,
              nextTerm(log),
              EntryKind.MEMBERSHIP,
              change.toByteString()));
    }
    return entries;
  }

  /** Nobody else can have written anything in it. */
  private static long nextTerm(RecoveredLog log) {
    return Math.max(log.hardState().term(), log.last().term()) + 1;
  }

  /** The log with these entries behind its end. */
  static RecoveredLog extended(RecoveredLog log, List<Entry> entries) {
    if (entries.isEmpty()) {
      return log;
    }
    List<Entry> all = new ArrayList<>(log.entries());
    all.addAll(entries);
    return new RecoveredLog(
        log.identity(), new HardState(nextTerm(log), MemberId.NONE), log.base(), all);
  }

  private static MembershipChange change(MembershipChange.Kind kind, long member) {
    return MembershipChange.newBuilder().setKind(kind).setMemberId(member).build();
  }
}
