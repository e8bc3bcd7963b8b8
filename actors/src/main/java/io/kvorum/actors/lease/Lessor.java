package io.kvorum.actors.lease;

import io.kvorum.persistence.mvcc.LeaseChange;
import io.kvorum.persistence.mvcc.StoredLease;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.LeaseCheckpoints;
import io.kvorum.protocol.internal.LeaseExpiry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The rules by which leases live and end, without clock or I/O (etcd: server/lease/lessor.go).
 * Times are nanoseconds of a clock that never goes back, from any origin near 0. One thread.
 *
 * <p>Every member follows the replicated leases; only one that leads counts time. A leader becomes
 * <em>primary</em> when a quorum has confirmed it in its term and it has applied everything
 * committed before: then each lease gets all that the log says to be left of it, and an election
 * timeout more. So nothing that an earlier leader has promised ends early, whatever that one did
 * without our knowledge.
 *
 * <p>What could make a leader that is none any more do harm is made harmless where it takes effect:
 *
 * <ul>
 *   <li>a lease is renewed only when a quorum has confirmed the leader after the call came in;
 *   <li>an expiry or checkpoint names the proposer's term, and does nothing in an entry of another
 *       (see {@link io.kvorum.persistence.mvcc.ApplyBatch#expireLeases});
 *   <li>both name the entry that granted the lease, and spare a later one of the same id.
 * </ul>
 *
 * <p>Renewals do not go through the log, with one exception: the first after a checkpoint has to
 * take it back there before it is answered, or a later leader would go by the checkpoint. A lease
 * is checkpointed when it was not renewed for {@link LeaseRules#checkpointInterval}, and so most
 * that are kept alive never are.
 */
public final class Lessor {
  /** Leases in one entry that checkpoints them, as in etcd. One entry is under way at a time. */
  static final int MAX_CHECKPOINTS = 1000;

  /** Leases in one entry that revokes them: small, so that others' entries need not wait long. */
  static final int MAX_EXPIRED = 128;

  /** Such entries under way at a time. */
  static final int MAX_EXPIRIES = 2;

  /** What was not revoked is proposed again after this time. */
  private static final long RETRY_NANOS = 500_000_000L;

  /** Leases that end close to each other share an entry: they end up to so much late. */
  private static final long GATHER_NANOS = 100_000_000L;

  /** How often calls are looked at that wait for something. */
  private static final long CALLS_NANOS = 250_000_000L;

  private static final long SECOND = 1_000_000_000L;

  /** A lease as entries name it. */
  private record Named(long id, long grantedAt) {}

  private final LeaseRules rules;
  private final LeaseEffects effects;
  private final LeaseTable table = new LeaseTable();
  private final LeaseCalls calls;

  /** The log position up to which {@link #load} told everything. */
  private long loadedIndex;

  /** In which this member leads; 0 while it does not. */
  private long term;

  private boolean primary;

  /** Entries under way that revoke leases, by number. */
  private final Map<Long, List<Named>> expiries = new HashMap<>();

  /** The entry under way that checkpoints leases; 0 for none. */
  private long checkpointNumber;

  /** Leases of which a checkpoint was proposed in this term, and not seen to be applied. */
  private final Set<Long> checkpointing = new HashSet<>();

  /** Leases whose checkpoint has to go before they are renewed, and those that are asked to. */
  private final List<Named> toClear = new ArrayList<>();

  private final Map<Long, List<Named>> clears = new HashMap<>();

  /**
   * By lease, how many entries that take its checkpoint back were proposed in this term, and not
   * seen to be applied. Until then it gets no other: that one would come behind them in the log,
   * where whoever is answered because of them does not know of it.
   */
  private final Map<Long, Integer> clearing = new HashMap<>();

  private long lastNumber;
  private long lastWakeNanos;

  /**
   * @param firstToken see {@link LeaseEffects#readIndex}: not the same in two lives of a member
   */
  public Lessor(LeaseRules rules, LeaseEffects effects, long firstToken) {
    this.rules = rules;
    this.effects = effects;
    this.calls = new LeaseCalls(effects, rules.callTimeout().toNanos(), firstToken);
  }

  /**
   * Replaces everything that is known: the member starts, or a snapshot was installed.
   *
   * @param index of the log entry up to which the leases are as given
   * @param all hands over each lease
   */
  public void load(long index, Consumer<Consumer<StoredLease>> all) {
    if (term != 0) {
      throw new IllegalStateException("leases are replaced while this member leads term " + term);
    }
    table.clear();
    loadedIndex = index;
    all.accept(this::put);
  }

  private int put(StoredLease lease) {
    return table.put(
        lease.id(),
        Math.min(lease.ttlSeconds(), LeaseRules.MAX_TTL_SECONDS),
        lease.remainingSeconds(),
        lease.grantedAt());
  }

  public int size() {
    return table.size();
  }

  /** Whether this member counts the time of leases. */
  public boolean isPrimary() {
    return primary;
  }

  /** The log did this to leases; entries up to the loaded index do not count again. */
  public void changed(long index, List<LeaseChange> changes, long nowNanos) {
    if (index <= loadedIndex) {
      return;
    }
    for (LeaseChange change : changes) {
      checkpointing.remove(change.id());
      switch (change) {
        case LeaseChange.Granted(var lease) -> {
          clearing.remove(lease.id());
          int slot = put(lease);
          if (primary) {
            count(slot, table.ttlSeconds(slot) * SECOND, nowNanos);
          }
        }
        case LeaseChange.Revoked(var id) -> onRevoked(id, nowNanos);
        case LeaseChange.Checkpointed(var id, var remaining) -> {
          int slot = table.find(id);
          if (slot != LeaseTable.NONE) {
            table.leftSeconds(slot, remaining);
          }
          if (remaining == 0) {
            clearing.computeIfPresent(id, (cleared, count) -> count == 1 ? null : count - 1);
            calls.takeCleared(id, call -> settle(call, nowNanos));
          }
        }
      }
    }
    proposeClears();
  }

  private void onRevoked(long id, long nowNanos) {
    clearing.remove(id);
    int slot = table.find(id);
    if (slot != LeaseTable.NONE) {
      table.remove(slot);
    }
    calls.takeEnded(id, call -> settle(call, nowNanos));
    calls.takeCleared(id, call -> settle(call, nowNanos));
  }

  /** This member leads a term. */
  public void leads(long ledTerm, long nowNanos) {
    if (term != 0) {
      follows();
    }
    term = ledTerm;
    calls.ask(nowNanos);
  }

  /** This member does not lead, or does not know. */
  public void follows() {
    boolean counted = primary;
    term = 0;
    primary = false;
    expiries.clear();
    checkpointNumber = 0;
    checkpointing.clear();
    toClear.clear();
    clears.clear();
    clearing.clear();
    calls.refuseAll();
    if (counted) {
      table.forgetTimes();
    }
  }

  /** Refused at once where this member does not lead. */
  public void call(LeaseCall call, long nowNanos) {
    if (term == 0) {
      call.refuse(EtcdError.NOT_LEADER);
      return;
    }
    calls.add(call, nowNanos);
    if (primary) {
      calls.askIfWanted(nowNanos);
    }
  }

  /** A quorum has confirmed that this member led when that token was sent. */
  public void confirmed(long token, long index, long nowNanos) {
    if (term == 0 || !calls.confirms(token)) {
      return;
    }
    if (!primary) {
      calls.awaitApplied(index);
      return;
    }
    calls.takeConfirmed(
        call -> {
          if (table.find(call.lease()) == LeaseTable.NONE) {
            // It may have been granted on another member a moment ago.
            calls.defer(call, nowNanos);
          } else {
            settle(call, nowNanos);
          }
        });
    calls.awaitAppliedIfAny(index);
    proposeClears();
    calls.askIfWanted(nowNanos);
  }

  /** This member has applied what {@link LeaseEffects#awaitApplied} named. */
  public void applied(long token, long nowNanos) {
    if (term == 0) {
      return;
    }
    if (!primary && calls.isAwaiting(token)) {
      becomePrimary(nowNanos);
    }
    calls.takeApplied(token, call -> settle(call, nowNanos));
    proposeClears();
    if (primary) {
      calls.askIfWanted(nowNanos);
    }
  }

  private void becomePrimary(long nowNanos) {
    primary = true;
    long more = rules.electionTimeout().toNanos();
    table.forEachSlot(
        slot -> {
          long left = table.leftSeconds(slot);
          long seconds =
              left == 0 ? table.ttlSeconds(slot) : Math.min(left, table.ttlSeconds(slot));
          count(slot, seconds * SECOND + more, nowNanos);
        });
  }

  /** From now on a lease has so much left. */
  private void count(int slot, long leftNanos, long nowNanos) {
    long expiresAt = nowNanos + leftNanos;
    table.expiresAt(slot, expiresAt);
    table.deadline(slot, Math.min(expiresAt, checkpointDue(slot, nowNanos)));
  }

  private long checkpointDue(int slot, long nowNanos) {
    long spread =
        Math.floorMod(table.id(slot) * 0x9E3779B97F4A7C15L, rules.checkpointSpread().toNanos());
    return nowNanos + rules.checkpointInterval().toNanos() + spread;
  }

  /** Answers a call of a confirmed leader, or lets it wait for what has to happen first. */
  private void settle(LeaseCall call, long nowNanos) {
    int slot = table.find(call.lease());
    switch (call) {
      case LeaseCall.Renew renew -> settle(renew, slot, nowNanos);
      case LeaseCall.TimeToLive(var lease, var reply) ->
          reply.complete(
              Outcome.ok(
                  slot == LeaseTable.NONE
                      ? TimeLeft.UNKNOWN
                      : new TimeLeft(
                          (table.expiresAt(slot) - nowNanos) / SECOND, table.ttlSeconds(slot))));
    }
  }

  private void settle(LeaseCall.Renew call, int slot, long nowNanos) {
    if (slot == LeaseTable.NONE) {
      call.reply().complete(Outcome.ok(0L));
    } else if (table.expiresAt(slot) <= nowNanos) {
      calls.awaitEnd(call, nowNanos);
    } else if (table.leftSeconds(slot) != 0 || checkpointing.contains(call.lease())) {
      if (calls.awaitClear(call, nowNanos)) {
        toClear.add(new Named(call.lease(), table.grantedAt(slot)));
      }
    } else {
      count(slot, table.ttlSeconds(slot) * SECOND, nowNanos);
      effects.renewed();
      call.reply().complete(Outcome.ok(table.ttlSeconds(slot)));
    }
  }

  private void proposeClears() {
    if (!toClear.isEmpty()) {
      LeaseCheckpoints.Builder entry = LeaseCheckpoints.newBuilder().setTerm(term);
      for (Named lease : toClear) {
        entry.addCheckpoints(checkpoint(lease.id(), lease.grantedAt(), 0));
        clearing.merge(lease.id(), 1, Integer::sum);
      }
      clears.put(++lastNumber, List.copyOf(toClear));
      toClear.clear();
      effects.propose(lastNumber, entry.build());
    }
  }

  private static LeaseCheckpoints.Checkpoint checkpoint(long id, long grantedAt, long seconds) {
    return LeaseCheckpoints.Checkpoint.newBuilder()
        .setId(id)
        .setGrantedAt(grantedAt)
        .setRemainingSeconds(seconds)
        .build();
  }

  /**
   * What came of a proposal.
   *
   * @param done whether the entry was applied, with effect; otherwise it may be yet
   */
  public void proposed(long number, boolean done, long nowNanos) {
    if (number == checkpointNumber) {
      checkpointNumber = 0;
    }
    List<Named> clear = clears.remove(number);
    if (clear != null && !done) {
      clear.stream().filter(lease -> calls.isClearing(lease.id())).forEach(toClear::add);
    }
    List<Named> expiry = expiries.remove(number);
    if (expiry != null && done) {
      effects.expired(expiry.size());
    } else if (expiry != null) {
      for (Named lease : expiry) {
        int slot = table.find(lease.id());
        if (slot != LeaseTable.NONE && table.grantedAt(slot) == lease.grantedAt()) {
          table.deadline(slot, nowNanos + RETRY_NANOS);
        }
      }
    }
    expireDue(nowNanos);
  }

  /** To be called at {@link #nextWakeNanos} at the latest. */
  public void wake(long nowNanos) {
    lastWakeNanos = nowNanos;
    calls.expire(nowNanos);
    proposeClears();
    expireDue(nowNanos);
  }

  /** {@link Long#MAX_VALUE} if there is nothing to wait for. */
  public long nextWakeNanos() {
    long leases =
        primary && expiries.size() < MAX_EXPIRIES && table.first() != LeaseTable.NONE
            ? Math.max(table.firstDeadline(), lastWakeNanos + GATHER_NANOS)
            : Long.MAX_VALUE;
    return calls.isEmpty() ? leases : Math.min(leases, lastWakeNanos + CALLS_NANOS);
  }

  private void expireDue(long nowNanos) {
    while (primary && expiries.size() < MAX_EXPIRIES && table.firstDeadline() <= nowNanos) {
      LeaseExpiry.Builder expiry = LeaseExpiry.newBuilder().setTerm(term);
      List<Named> expiring = new ArrayList<>();
      LeaseCheckpoints.Builder checkpoints = LeaseCheckpoints.newBuilder().setTerm(term);
      while (expiring.size() < MAX_EXPIRED && table.firstDeadline() <= nowNanos) {
        int slot = table.first();
        if (table.expiresAt(slot) <= nowNanos) {
          table.deadline(slot, LeaseTable.NEVER);
          expiring.add(new Named(table.id(slot), table.grantedAt(slot)));
          expiry.addIds(table.id(slot)).addGrantedAt(table.grantedAt(slot));
        } else {
          checkpointIfRoom(slot, checkpoints, nowNanos);
        }
      }
      if (!expiring.isEmpty()) {
        expiries.put(++lastNumber, expiring);
        effects.propose(lastNumber, expiry.build());
      }
      if (checkpoints.getCheckpointsCount() > 0) {
        checkpointNumber = ++lastNumber;
        effects.propose(lastNumber, checkpoints.build());
      }
    }
  }

  private void checkpointIfRoom(int slot, LeaseCheckpoints.Builder checkpoints, long nowNanos) {
    long expiresAt = table.expiresAt(slot);
    long left = Math.ceilDiv(expiresAt - nowNanos, SECOND);
    boolean says = left < table.ttlSeconds(slot) && !clearing.containsKey(table.id(slot));
    boolean room = checkpointNumber == 0 && checkpoints.getCheckpointsCount() < MAX_CHECKPOINTS;
    if (says && room) {
      checkpointing.add(table.id(slot));
      checkpoints.addCheckpoints(checkpoint(table.id(slot), table.grantedAt(slot), left));
    }
    long next =
        says && !room
            ? checkpointDue(slot, nowNanos - rules.checkpointInterval().toNanos()) + SECOND
            : checkpointDue(slot, nowNanos);
    table.deadline(slot, Math.min(expiresAt, next));
  }

  /** The leases of this member, in the order of their end as far as it counts their time. */
  public void forEachByExpiry(LongConsumer sink) {
    table.forEachByExpiry(sink);
  }

  /** When a lease ends; {@code null} if there is none, or nobody counts its time here. */
  @Nullable Long expiresAtNanos(long id) {
    int slot = table.find(id);
    return slot == LeaseTable.NONE || table.expiresAt(slot) == LeaseTable.NEVER
        ? null
        : (Long) table.expiresAt(slot);
  }
}
