package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.LevelDb;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a batch has done to leases and to what is attached to them so far, over what is committed.
 *
 * <p>A row of attachments stands for each live key whose record names a lease that was there when
 * the key was put.
 */
final class LeaseChanges {
  private final Tables tables;
  private final LeaseRows committed;
  private final KnownLeases known;

  /** Leases that this batch granted, changed or, with null, revoked. */
  private final Map<Long, @Nullable StoredLease> leases = new HashMap<>();

  /** By lease: the keys that this batch attached (true) or detached, in key order. */
  private final Map<Long, NavigableMap<byte[], Boolean>> attachments = new HashMap<>();

  private final List<LeaseChange> changes = new ArrayList<>();

  LeaseChanges(Tables tables, LeaseRows committed, KnownLeases known) {
    this.tables = tables;
    this.committed = committed;
    this.known = known;
  }

  boolean exists(long id) {
    if (leases.containsKey(id)) {
      return leases.get(id) != null;
    }
    if (known.contains(id)) {
      return true;
    }
    boolean found = committed.get(id) != null;
    if (found) {
      known.add(id);
    }
    return found;
  }

  @Nullable StoredLease get(long id) {
    return leases.containsKey(id) ? leases.get(id) : committed.get(id);
  }

  void grant(StoredLease lease) {
    leases.put(lease.id(), lease);
    changes.add(new LeaseChange.Granted(lease));
  }

  void checkpoint(StoredLease lease, long remainingSeconds) {
    leases.put(lease.id(), lease.withRemaining(remainingSeconds));
    changes.add(new LeaseChange.Checkpointed(lease.id(), remainingSeconds));
  }

  /** Its keys must be deleted, and so detached, by the caller. */
  void revoke(long id) {
    leases.put(id, null);
    changes.add(new LeaseChange.Revoked(id));
  }

  /** A live key's record named one lease, and now names another; 0 stands for none. */
  void moved(byte[] key, long from, long to) {
    if (from != 0 && from != to) {
      attachmentsOf(from).put(key, false);
    }
    if (to != 0) {
      // Also where it was attached before: an imported record may name a lease that was not there.
      attachmentsOf(to).put(key, true);
    }
  }

  private NavigableMap<byte[], Boolean> attachmentsOf(long lease) {
    return attachments.computeIfAbsent(lease, id -> new TreeMap<>(Arrays::compareUnsigned));
  }

  /** The keys of a lease, in key order. */
  NavigableSet<byte[]> keys(long id) {
    NavigableSet<byte[]> keys = new TreeSet<>(Arrays::compareUnsigned);
    committed.forEachKey(id, key -> keys.add(key.toByteArray()));
    NavigableMap<byte[], Boolean> changed = attachments.get(id);
    if (changed != null) {
      changed.forEach(
          (key, attached) -> {
            if (attached) {
              keys.add(key);
            } else {
              keys.remove(key);
            }
          });
    }
    return keys;
  }

  void write(LevelDb.Batch writes) {
    leases.forEach(
        (id, lease) -> {
          if (lease == null) {
            writes.delete(tables.lease(id));
          } else {
            writes.put(tables.lease(id), lease.encode());
          }
        });
    attachments.forEach(
        (id, keys) ->
            keys.forEach(
                (key, attached) -> {
                  if (attached) {
                    writes.put(tables.attachment(id, key), new byte[0]);
                  } else {
                    writes.delete(tables.attachment(id, key));
                  }
                }));
  }

  /** The batch is committed. */
  void remember() {
    leases.forEach(
        (id, lease) -> {
          if (lease == null) {
            known.remove(id);
          } else {
            known.add(id);
          }
        });
  }

  /** In the order they were made. */
  List<LeaseChange> changes() {
    return changes;
  }
}
