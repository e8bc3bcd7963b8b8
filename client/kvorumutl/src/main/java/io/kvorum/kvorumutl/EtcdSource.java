package io.kvorum.kvorumutl;

import io.kvorum.actors.apply.AlarmState;
import io.kvorum.kvorumutl.etcd.Auth;
import io.kvorum.kvorumutl.etcd.EtcdDatabase;
import io.kvorum.kvorumutl.etcd.Lease;
import io.kvorum.kvorumutl.etcd.RecordCursor;
import io.kvorum.kvorumutl.etcd.StoreMeta;
import io.kvorum.persistence.mvcc.KeyspaceImport;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.persistence.mvcc.StoredLease;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.internal.AuthSet;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An etcd's snapshot: its records go over as they are, in one pass. */
final class EtcdSource implements Source {
  private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+)\\..*");

  /** The newest storage schema whose every record is known here. */
  private static final int MAJOR = 3;

  private static final int MINOR = 7;

  private final Path file;
  private final EtcdDatabase database;
  private final Set<String> skipped;
  private long leased;
  private long leases;

  /**
   * @param skipped see {@link Leftovers}
   * @throws io.kvorum.persistence.bbolt.BoltException if it is no bbolt file
   */
  EtcdSource(Path file, Set<String> skipped) {
    this.file = file;
    this.database = EtcdDatabase.open(file);
    this.skipped = skipped;
  }

  @Override
  public Path file() {
    return file;
  }

  @Override
  public long sizeBytes() {
    return database.file().sizeBytes();
  }

  @Override
  public void require(PrintWriter err) {
    requireKnownVersion();
    Leftovers.of(database).require(skipped).forEach(left -> err.println("left behind: " + left));
  }

  private void requireKnownVersion() {
    String version = database.meta().storageVersion().orElse("");
    Matcher parts = VERSION.matcher(version);
    if (parts.matches()) {
      int major = Integer.parseInt(parts.group(1));
      int minor = Integer.parseInt(parts.group(2));
      if (major > MAJOR || (major == MAJOR && minor > MINOR)) {
        throw new RefusedException(
            "%s is of storage version %s, and this version of kvorumutl knows those up to %d.%d"
                .formatted(file, version, MAJOR, MINOR));
      }
    }
  }

  /** Whoever leaves other things behind makes another cluster. */
  @Override
  public String choices() {
    return " without " + new TreeSet<>(skipped);
  }

  @Override
  public KeyspaceImport.Summary write(Terms terms, LongConsumer progress) {
    try (KeyspaceImport keyspace =
        KeyspaceImport.into(terms.directory(), GroupId.DEFAULT, KeyspaceOptions.defaults())) {
      long newest = 0;
      RecordCursor record = database.records();
      while (record.advance()) {
        newest = record.main();
        if (!record.isBump()) {
          add(record, keyspace);
        }
        progress.accept(database.file().bytesRead());
      }
      if (!skipped.contains(Leftovers.LEASE)) {
        leases = database.leases(lease -> keyspace.addLease(carried(lease)));
      }
      StoreMeta meta = database.meta();
      Map<String, byte[]> kept = kept(terms);
      if (terms.bump() > 0) {
        long raised = bumped(newest, terms.bump());
        return keyspace.finish(terms.at(), raised, raised, meta.finishedCompaction(), kept);
      }
      // As an etcd that starts on this file: nothing may be left of the newest revision, if it
      // deleted keys and was compacted (mvcc/kvstore.go, restore).
      long compacted = Math.max(meta.scheduledCompaction(), meta.finishedCompaction());
      return keyspace.finish(
          terms.at(),
          Math.max(Math.max(1, newest), compacted),
          compacted,
          meta.finishedCompaction(),
          kept);
    }
  }

  /** Its time begins anew with the first leader, as in an etcd that starts on this file. */
  private static StoredLease carried(Lease lease) {
    return new StoredLease(
        lease.id(), lease.ttlSeconds(), Math.max(0, lease.remainingTtlSeconds()), 0);
  }

  /**
   * What stands beside the records: alarms are (member, type) pairs, and stay what they are; so do
   * users and roles.
   */
  private Map<String, byte[]> kept(Terms terms) {
    Map<String, byte[]> kept = new HashMap<>(terms.meta());
    if (!skipped.contains(Leftovers.ALARM) && !database.alarms().isEmpty()) {
      kept.put(AlarmState.META_KEY, AlarmState.of(database.alarms()).toByteArray());
    }
    if (!skipped.contains(Leftovers.AUTH) && !database.auth().isEmpty()) {
      Auth auth = database.auth();
      AuthSet users =
          AuthSet.newBuilder()
              .addAllUsers(auth.users())
              .addAllRoles(auth.roles())
              .setRevision(auth.revision())
              .build();
      kept.put(MetaJson.AUTH_KEY, users.toByteArray());
    }
    return kept;
  }

  private long bumped(long newest, long bump) {
    try {
      return KeyspaceImport.bumped(newest, bump);
    } catch (IllegalArgumentException e) {
      throw new RefusedException(file + ": " + e.getMessage(), e);
    }
  }

  private void add(RecordCursor record, KeyspaceImport keyspace) {
    record.check();
    keyspace.add(
        record.main(),
        record.sub(),
        record.isTombstone(),
        record.keyValue().getKey().toByteArray(),
        record.bytes());
    if (record.keyValue().getLease() != 0) {
      leased++;
    }
  }

  @Override
  public String remark() {
    List<String> remarks = new ArrayList<>();
    if (leases > 0) {
      remarks.add(
          "leases, which run on once the new cluster has a leader, as long as each has left: "
              + leases);
    } else if (leased > 0) {
      remarks.add(
          "records that name a lease: "
              + leased
              + ". Their keys keep its id, and stay until they are deleted");
    }
    Auth auth = database.auth();
    if (!skipped.contains(Leftovers.AUTH) && !auth.isEmpty()) {
      remarks.add(
          "users and roles, which are kept, and ask nobody for a password while authentication is"
              + " not enabled: "
              + auth.users().size()
              + " and "
              + auth.roles().size());
    }
    if (!skipped.contains(Leftovers.ALARM) && !database.alarms().isEmpty()) {
      remarks.add(
          "alarms of the old members, which stand until etcdctl alarm disarm: "
              + database.alarms().stream().map(MessageJson::of).toList());
    }
    return String.join(System.lineSeparator(), remarks);
  }

  @Override
  public void close() {
    database.close();
  }
}
