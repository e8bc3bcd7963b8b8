package io.kvorum.kvorumutl;

import io.kvorum.kvorumutl.etcd.Auth;
import io.kvorum.kvorumutl.etcd.EtcdDatabase;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a snapshot holds beside its records, by the name under which an operator may leave it
 * behind. What Kvorum has no place for yet he must.
 */
final class Leftovers {
  static final String ALARM = "alarm";
  static final String LEASE = "lease";

  /** Users and roles, and with them that authentication is enabled. */
  static final String AUTH = "auth";

  /** That alone. */
  private static final String ENABLED_AUTH = "authentication";

  private static final Set<String> NAMES = Set.of(AUTH, ENABLED_AUTH, LEASE, ALARM);

  private final Map<String, String> found = new LinkedHashMap<>();

  /** Has a place, and may be left behind nevertheless. */
  private final Map<String, String> carried = new LinkedHashMap<>();

  private Leftovers() {}

  static Leftovers of(EtcdDatabase database) {
    Leftovers leftovers = new Leftovers();
    Auth auth = database.auth();
    if (!auth.users().isEmpty() || !auth.roles().isEmpty()) {
      leftovers.carried.put(
          AUTH, count(auth.users().size(), "user") + " and " + count(auth.roles().size(), "role"));
    }
    if (auth.enabled()) {
      leftovers.found.put(
          ENABLED_AUTH, "it is enabled, and a server that does not authenticate would open all");
    }
    long leases = database.leases(lease -> {});
    if (leases > 0) {
      leftovers.carried.put(LEASE, count(leases, "lease"));
    }
    int alarms = database.alarms().size();
    if (alarms > 0) {
      leftovers.carried.put(ALARM, count(alarms, "alarm"));
    }
    for (String bucket : database.unknownBuckets()) {
      leftovers.found.put(bucket, "a bucket that no etcd up to 3.7 has");
    }
    return leftovers;
  }

  private static String count(long number, String what) {
    return number + " " + what + (number == 1 ? "" : "s");
  }

  /**
   * @param skipped what the operator leaves behind
   * @return lines to tell what that is
   * @throws RefusedException if there is more
   */
  List<String> require(Set<String> skipped) {
    Set<String> unknown = new TreeSet<>(skipped);
    unknown.removeAll(NAMES);
    unknown.removeAll(found.keySet());
    if (!unknown.isEmpty()) {
      throw new RefusedException(
          "--skip=" + String.join(",", unknown) + ": there is only " + new TreeSet<>(NAMES));
    }
    List<String> told = new ArrayList<>();
    List<String> refused = new ArrayList<>();
    Set<String> missing = new TreeSet<>(skipped);
    boolean withoutAuth = skipped.contains(AUTH);
    found.forEach(
        (name, what) -> {
          boolean left = skipped.contains(name) || (withoutAuth && name.equals(ENABLED_AUTH));
          (left ? told : refused).add(name + ": " + what);
          if (!left) {
            missing.add(name);
          }
        });
    carried.forEach(
        (name, what) -> {
          if (skipped.contains(name)) {
            told.add(name + ": " + what);
          }
        });
    if (!refused.isEmpty()) {
      throw new RefusedException(
          "the snapshot holds what Kvorum has no place for yet: "
              + String.join("; ", refused)
              + ". To import the rest without, add --skip="
              + String.join(",", missing));
    }
    return told;
  }
}
