package io.kvorum.verification.simulation;

import io.kvorum.persistence.mvcc.LeaseChange;
import io.kvorum.persistence.mvcc.StoredLease;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.LeaseGrantRequest;
import io.kvorum.protocol.internal.Command;
import io.kvorum.protocol.internal.LeaseCheckpoints;
import io.kvorum.protocol.internal.LeaseExpiry;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The leases of the model, and one lock: a queue of keys, each of which belongs to a lease and goes
 * with it. A value that is never changed.
 *
 * @param queue by lease: the revision that created its key; the oldest holds the lock
 */
record StoreLeases(TreeMap<Long, StoredLease> leases, TreeMap<Long, Long> queue) {
  static final StoreLeases NONE = new StoreLeases(new TreeMap<>(), new TreeMap<>());

  /** In place of an owner. */
  static final long NOBODY = 0;

  /** What an entry led to. */
  record Applied(
      StoreLeases after, long revision, Outcome<Object> outcome, List<LeaseChange> changes) {}

  static boolean concerns(Command command) {
    return switch (command.getRequestCase()) {
      case LEASE_GRANT, LEASE_REVOKE, LEASE_EXPIRY, LEASE_CHECKPOINTS -> true;
      case PUT -> command.getPut().getLease() != 0;
      default -> false;
    };
  }

  /** The lease that holds the lock. */
  long owner() {
    return queue.entrySet().stream()
        .min(Comparator.comparing(Map.Entry::getValue))
        .map(Map.Entry::getKey)
        .orElse(NOBODY);
  }

  Applied apply(LogPosition at, Command command, long revision) {
    Work work = new Work(revision);
    Outcome<Object> outcome = work.run(at, command);
    return new Applied(
        new StoreLeases(work.leases, work.queue), work.revision, outcome, work.changes);
  }

  /** One command at work. */
  private final class Work {
    final TreeMap<Long, StoredLease> leases = new TreeMap<>(StoreLeases.this.leases);
    final TreeMap<Long, Long> queue = new TreeMap<>(StoreLeases.this.queue);
    final List<LeaseChange> changes = new ArrayList<>();
    long revision;

    Work(long revision) {
      this.revision = revision;
    }

    Outcome<Object> run(LogPosition at, Command command) {
      return switch (command.getRequestCase()) {
        case LEASE_GRANT -> grant(at, command.getLeaseGrant());
        case LEASE_REVOKE -> {
          long id = command.getLeaseRevoke().getID();
          yield leases.containsKey(id) ? revoke(id) : Outcome.refused(EtcdError.LEASE_NOT_FOUND);
        }
        case LEASE_EXPIRY -> expire(at, command.getLeaseExpiry());
        case LEASE_CHECKPOINTS -> checkpoint(at, command.getLeaseCheckpoints());
        case PUT -> enqueue(command.getPut().getLease());
        default -> throw new IllegalStateException("not about leases: " + command);
      };
    }

    private Outcome<Object> grant(LogPosition at, LeaseGrantRequest request) {
      if (leases.containsKey(request.getID())) {
        return Outcome.refused(EtcdError.LEASE_EXIST);
      }
      StoredLease lease = new StoredLease(request.getID(), request.getTTL(), 0, at.index());
      leases.put(lease.id(), lease);
      changes.add(new LeaseChange.Granted(lease));
      return Outcome.ok(lease);
    }

    private Outcome<Object> revoke(long id) {
      leases.remove(id);
      if (queue.remove(id) != null) {
        revision++;
      }
      changes.add(new LeaseChange.Revoked(id));
      return Outcome.ok(true);
    }

    private Outcome<Object> expire(LogPosition at, LeaseExpiry expiry) {
      if (expiry.getTerm() != at.term()) {
        return Outcome.ok(false);
      }
      for (int i = 0; i < expiry.getIdsCount(); i++) {
        StoredLease lease = leases.get(expiry.getIds(i));
        if (lease != null && lease.grantedAt() == expiry.getGrantedAt(i)) {
          revoke(lease.id());
        }
      }
      return Outcome.ok(true);
    }

    private Outcome<Object> checkpoint(LogPosition at, LeaseCheckpoints checkpoints) {
      if (checkpoints.getTerm() != at.term()) {
        return Outcome.ok(false);
      }
      for (LeaseCheckpoints.Checkpoint each : checkpoints.getCheckpointsList()) {
        StoredLease lease = leases.get(each.getId());
        if (lease != null && lease.grantedAt() == each.getGrantedAt()) {
          long left = each.getRemainingSeconds();
          leases.put(
              lease.id(), new StoredLease(lease.id(), lease.ttlSeconds(), left, lease.grantedAt()));
          changes.add(new LeaseChange.Checkpointed(lease.id(), left));
        }
      }
      return Outcome.ok(true);
    }

    /** Whoever is in the queue already keeps its place. */
    private Outcome<Object> enqueue(long lease) {
      if (!leases.containsKey(lease)) {
        return Outcome.refused(EtcdError.LEASE_NOT_FOUND);
      }
      if (!queue.containsKey(lease)) {
        queue.put(lease, ++revision);
      }
      return Outcome.ok(queue.get(lease));
    }
  }
}
