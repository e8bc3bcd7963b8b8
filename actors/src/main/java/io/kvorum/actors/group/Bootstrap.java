package io.kvorum.actors.group;

import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.snapshot.InterruptedInstall;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import io.kvorum.protocol.internal.MembershipChange;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How a group begins: a new log with one entry per initial member, identical on all of them, or the
 * log that is there, after a check that log, keyspace and command line belong together.
 */
final class Bootstrap {
  /** Term of the entries that a new log begins with, as in etcd. */
  static final long BOOTSTRAP_TERM = 1;

  private Bootstrap() {}

  /** A start that is not allowed; the message says why and what to do. */
  static class RefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    RefusedException(String message) {
      super(message);
    }
  }

  /** The cluster has removed this member. */
  static final class RemovedException extends RefusedException {
    private static final long serialVersionUID = 1L;

    RemovedException() {
      super("this member was removed from the cluster");
    }
  }

  /** The identity that a new log of this cluster gets. */
  static LogIdentity newIdentity(GroupSettings settings) {
    return new LogIdentity(
        settings.group(),
        Identity.cluster(initialMembers(settings).keySet()),
        Identity.member(ownUrls(settings), settings.initialCluster().token()),
        settings.initialCluster().token());
  }

  /** Whether this identity is the one that a new cluster of these settings gives. */
  static boolean isOfNewCluster(GroupSettings settings, LogIdentity identity) {
    return settings.initialCluster().members().containsKey(settings.memberName())
        && newIdentity(settings).equals(identity);
  }

  static List<String> ownUrls(GroupSettings settings) {
    List<String> own = settings.initialCluster().members().get(settings.memberName());
    if (own == null) {
      throw new RefusedException(
          "couldn't find local name \""
              + settings.memberName()
              + "\" in the initial cluster configuration "
              + settings.initialCluster().members().keySet());
    }
    return own;
  }

  /** A new log of this cluster: the initial members in order of their ids. */
  static RecoveredLog newLog(GroupSettings settings, LogIdentity identity) {
    List<Entry> entries = new ArrayList<>();
    initialMembers(settings)
        .forEach(
            (id, peerUrls) -> {
              MembershipChange change =
                  MembershipChange.newBuilder()
                      .setKind(MembershipChange.Kind.ADD_VOTER)
                      .setMemberId(id.value())
                      .addAllPeerUrls(peerUrls)
                      .build();
              entries.add(
                  new Entry(
                      entries.size() + 1L,
                      BOOTSTRAP_TERM,
                      EntryKind.MEMBERSHIP,
                      change.toByteString()));
            });
    return new RecoveredLog(
        identity, new HardState(BOOTSTRAP_TERM, MemberId.NONE), LogPosition.ZERO, entries);
  }

  private static Map<MemberId, List<String>> initialMembers(GroupSettings settings) {
    GroupSettings.InitialCluster initial = settings.initialCluster();
    Map<MemberId, List<String>> members = new TreeMap<>();
    initial
        .members()
        .forEach((name, urls) -> members.put(Identity.member(urls, initial.token()), urls));
    return members;
  }

  /**
   * The membership that the keyspace holds.
   *
   * @return {@code null} if nothing was applied yet
   */
  static @Nullable Membership storedMembership(Keyspace keyspace) {
    byte[] stored = keyspace.meta(MembershipState.META_KEY);
    return stored == null ? null : MembershipState.parse(stored);
  }

  /**
   * Who takes part as long as nothing is applied: those whom the log's first entries name. Nobody
   * if the log is that of a member which joins.
   */
  static Membership membershipAtStart(RecoveredLog log, long clusterId) {
    MembershipState membership =
        new MembershipState(Membership.newBuilder().setClusterId(clusterId).build());
    if (log.base().index() == 0) {
      for (Entry entry : log.entries()) {
        if (entry.kind() != EntryKind.MEMBERSHIP) {
          break;
        }
        membership.apply(MembershipState.change(entry));
      }
    }
    return membership.get();
  }

  /**
   * Checks that what was found on disk belongs together and to the cluster that the operator named.
   *
   * @throws RefusedException if not
   */
  static void check(
      GroupSettings settings,
      RecoveredLog log,
      Keyspace keyspace,
      @Nullable Membership membership) {
    LogPosition applied = keyspace.applied();
    LogIdentity identity = log.identity();
    if (identity == null) {
      if (applied.index() > 0) {
        throw new RefusedException(
            "the keyspace holds applied entries up to "
                + applied.index()
                + ", but the write-ahead log is empty: the data directory is incomplete."
                + " Restore it whole, or start with an empty one");
      }
      return;
    }
    GroupSettings.InitialCluster initial = settings.initialCluster();
    if (initial.tokenGiven() && !initial.token().equals(identity.clusterToken())) {
      throw new RefusedException(
          "the data directory belongs to a cluster with --initial-cluster-token "
              + identity.clusterToken()
              + ", not "
              + initial.token()
              + ": name the right --data-dir, or leave the token out");
    }
    if (membership != null && membership.getClusterId() != identity.clusterId()) {
      throw new RefusedException(
          "the keyspace belongs to cluster "
              + Long.toHexString(membership.getClusterId())
              + ", the write-ahead log to cluster "
              + Long.toHexString(identity.clusterId())
              + ": the data directory was put together from two. Restore it whole");
    }
    boolean together = applied.index() >= log.base().index() && applied.index() <= log.lastIndex();
    if (!together && InterruptedInstall.replaceLogAt(keyspace, log).isEmpty()) {
      throw new RefusedException(
          "the keyspace has applied entry "
              + applied.index()
              + ", but the write-ahead log holds entries "
              + (log.base().index() + 1)
              + " to "
              + log.lastIndex()
              + ": the data directory is inconsistent. "
              + Recovery.KEEP_PREFIX.whatToDo());
    }
  }
}
