package io.kvorum.kvorumutl.etcd;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.kvorum.persistence.bbolt.BoltBucket;
import io.kvorum.persistence.bbolt.BoltCursor;
import io.kvorum.persistence.bbolt.BoltFile;
import io.kvorum.protocol.authpb.Role;
import io.kvorum.protocol.authpb.User;
import io.kvorum.protocol.etcdserverpb.AlarmMember;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An etcd's database: the file {@code member/snap/db} of a data directory whose etcd is stopped, or
 * a snapshot. Only records and leases are many; everything else is given as a whole. One thread at
 * a time.
 *
 * <p>Methods throw {@link EtcdDataException}, and {@link
 * io.kvorum.persistence.bbolt.BoltException}, for what is damaged.
 */
public final class EtcdDatabase implements AutoCloseable {
  static final String KEY = "key";

  private static final String META = "meta";
  private static final String LEASE = "lease";
  private static final String ALARM = "alarm";
  private static final String AUTH = "auth";
  private static final String AUTH_USERS = "authUsers";
  private static final String AUTH_ROLES = "authRoles";
  private static final String MEMBERS = "members";
  private static final String MEMBERS_REMOVED = "members_removed";
  private static final String CLUSTER = "cluster";

  private static final Set<String> KNOWN =
      Set.of(
          KEY, META, LEASE, ALARM, AUTH, AUTH_USERS, AUTH_ROLES, MEMBERS, MEMBERS_REMOVED, CLUSTER);

  private static final long NEVER = -1;

  /** Reads one entry of a bucket. */
  private interface Reader<T> {
    T read(byte[] key, byte[] value) throws IOException;
  }

  private final BoltFile file;

  private EtcdDatabase(BoltFile file) {
    this.file = file;
  }

  /**
   * Opens a file that nobody writes.
   *
   * @throws io.kvorum.persistence.bbolt.BoltException if it cannot be read or is no bbolt file
   */
  public static EtcdDatabase open(Path path) {
    return new EtcdDatabase(BoltFile.open(path));
  }

  public BoltFile file() {
    return file;
  }

  /**
   * The keyspace.
   *
   * @throws EtcdDataException if there is none: then this is no etcd's file
   */
  public RecordCursor records() {
    BoltBucket bucket = bucket(KEY);
    if (bucket == null) {
      throw new EtcdDataException(file.path(), "is no etcd database: it has no bucket key");
    }
    return records(bucket.cursor());
  }

  RecordCursor records(BoltCursor cursor) {
    return new RecordCursor(file.path(), cursor);
  }

  public StoreMeta meta() {
    BoltBucket bucket = bucket(META);
    if (bucket == null) {
      throw new EtcdDataException(file.path(), "is no etcd database: it has no bucket meta");
    }
    return new StoreMeta(
        number(bucket, META, "consistent_index", 0),
        number(bucket, META, "term", 0),
        number(bucket, META, "scheduledCompactRev", NEVER),
        number(bucket, META, "finishedCompactRev", NEVER),
        text(bucket, "storageVersion"),
        text(bucket, "confState"));
  }

  /**
   * Hands out the leases one after the other; they may be very many.
   *
   * @return how many there are
   */
  public long leases(Consumer<Lease> taker) {
    return each(LEASE, (id, lease) -> Lease.parse(lease), taker);
  }

  /** Their keys are the alarms, without values. */
  public List<AlarmMember> alarms() {
    return all(ALARM, (alarm, nothing) -> AlarmMember.parseFrom(alarm));
  }

  public Auth auth() {
    BoltBucket bucket = bucket(AUTH);
    byte[] enabled = bucket == null ? null : bucket.get("authEnabled".getBytes(UTF_8));
    return new Auth(
        enabled != null && enabled.length == 1 && enabled[0] == 1,
        bucket == null ? 0 : number(bucket, AUTH, "authRevision", 0),
        all(AUTH_USERS, (name, user) -> User.parseFrom(user)),
        all(AUTH_ROLES, (name, role) -> Role.parseFrom(role)));
  }

  public ClusterRecords cluster() {
    SortedMap<String, String> members = new TreeMap<>();
    BoltBucket bucket = bucket(MEMBERS);
    if (bucket != null) {
      BoltCursor cursor = bucket.cursor();
      while (cursor.advance()) {
        members.put(new String(cursor.key(), UTF_8), new String(cursor.value(), UTF_8));
      }
    }
    BoltBucket cluster = bucket(CLUSTER);
    return new ClusterRecords(
        members,
        all(MEMBERS_REMOVED, (id, nothing) -> new String(id, UTF_8)),
        cluster == null ? Optional.empty() : text(cluster, "clusterVersion"),
        cluster == null ? Optional.empty() : text(cluster, "downgrade"));
  }

  /** Buckets with content that no etcd known here has. */
  public List<String> unknownBuckets() {
    List<String> unknown = new ArrayList<>();
    BoltCursor names = file.root().cursor();
    while (names.advance()) {
      String name = new String(names.key(), UTF_8);
      if (!KNOWN.contains(name) && (!names.isBucket() || names.bucket().cursor().advance())) {
        unknown.add(name);
      }
    }
    return unknown;
  }

  private @Nullable BoltBucket bucket(String name) {
    return file.root().bucket(name.getBytes(UTF_8));
  }

  private <T> List<T> all(String name, Reader<T> reader) {
    List<T> all = new ArrayList<>();
    each(name, reader, all::add);
    return all;
  }

  private <T> long each(String name, Reader<T> reader, Consumer<T> taker) {
    BoltBucket bucket = bucket(name);
    if (bucket == null) {
      return 0;
    }
    long entries = 0;
    BoltCursor cursor = bucket.cursor();
    while (cursor.advance()) {
      T entry;
      try {
        entry = reader.read(cursor.key(), cursor.value());
      } catch (IOException e) {
        throw new EtcdDataException(
            file.path(), "is damaged: an entry of bucket " + name + " cannot be read", e);
      }
      taker.accept(entry);
      entries++;
    }
    return entries;
  }

  /** 8 bytes; a revision has them first. */
  private long number(BoltBucket bucket, String bucketName, String key, long absent) {
    byte[] value = bucket.get(key.getBytes(UTF_8));
    if (value == null) {
      return absent;
    }
    if (value.length < Long.BYTES) {
      throw new EtcdDataException(
          file.path(),
          "is damaged: " + key + " in bucket " + bucketName + " has " + value.length + " bytes");
    }
    return ByteBuffer.wrap(value).getLong();
  }

  private static Optional<String> text(BoltBucket bucket, String key) {
    byte[] value = bucket.get(key.getBytes(UTF_8));
    return value == null ? Optional.empty() : Optional.of(new String(value, UTF_8));
  }

  @Override
  public void close() {
    file.close();
  }
}
