package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.log.Entry;
import io.kvorum.persistence.mvcc.LeaseChange;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a lease promises is kept by real time, whatever the members' clocks say: its owner may rely
 * on it until its TTL has passed since it asked for what was granted or renewed. Told by the
 * clients, too.
 */
final class LeaseInvariants implements Invariant {
  /** As much of a TTL as the clocks of the members may be wrong, and a little for rounding. */
  private static final double TOLERANCE = 2.5 * LeaseTime.MAX_DRIFT;

  private final Agenda agenda;

  /** By lease, in microseconds: until when it is promised, less what clocks may be wrong. */
  private final Map<Long, Long> promised = new HashMap<>();

  /** By lease: when its time was up for the first member that applied it. */
  private final Map<Long, Long> ended = new HashMap<>();

  private final Set<Long> revoked = new HashSet<>();

  /** The lease whose owner believes that it holds the lock. */
  private long owner = StoreLeases.NOBODY;

  LeaseInvariants(Agenda agenda) {
    this.agenda = agenda;
  }

  /** A client that asked then was told that its lease is there for so long. */
  void promised(long lease, long askedAt, long ttlSeconds) {
    long until = askedAt + (long) (ttlSeconds * Agenda.SECONDS * (1 - TOLERANCE));
    promised.merge(lease, until, Math::max);
    Long end = ended.get(lease);
    Violation.check(
        end == null || until <= end,
        "no lease revived",
        () -> "lease " + lease + " ended at " + end + " and is promised until " + until);
  }

  boolean isPromised(long lease) {
    return agenda.now() < promised.getOrDefault(lease, 0L);
  }

  /** A client is about to revoke its lease: it relies on nothing any more. */
  void givenUp(long lease) {
    revoked.add(lease);
    promised.remove(lease);
    if (owner == lease) {
      owner = StoreLeases.NOBODY;
    }
  }

  /** A client was told that its lease is not there. */
  void toldGone(long lease) {
    Violation.check(
        !isPromised(lease),
        "no early expiry",
        () -> "lease " + lease + " is said to be gone, and promised until " + promised.get(lease));
  }

  /** A client was told that it holds the lock. */
  void owns(long lease) {
    long before = owner;
    Violation.check(
        before == StoreLeases.NOBODY || before == lease || !isPromised(before),
        "one owner of a lock at a time",
        () -> "lease " + lease + " holds the lock while lease " + before + " does");
    if (isPromised(lease)) {
      owner = lease;
    }
  }

  @Override
  public void applied(Life life, Entry entry, Store.Applied applied) {
    for (LeaseChange change : applied.leaseChanges()) {
      if (change instanceof LeaseChange.Revoked(var lease)
          && !revoked.contains(lease)
          && ended.putIfAbsent(lease, agenda.now()) == null) {
        Violation.check(
            !isPromised(lease),
            "no early expiry",
            () ->
                life.id()
                    + " ends lease "
                    + lease
                    + ", which is promised until "
                    + promised.get(lease));
      }
    }
  }

  @Override
  public void finished(List<Life> members) {
    for (Long lease : promised.keySet()) {
      Violation.check(
          revoked.contains(lease)
              || ended.containsKey(lease)
              || members.getFirst().store().leases().leases().containsKey(lease),
          "no lease lost",
          () -> "lease " + lease + " was granted, and is not there");
    }
  }
}
