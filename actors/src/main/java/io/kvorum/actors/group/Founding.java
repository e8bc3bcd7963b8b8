package io.kvorum.actors.group;

import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.actors.wal.NewLog;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a member of a new cluster begins with whose keyspace was brought along, from a snapshot: the
 * same on all members but for their own ids. The log holds no entries, and begins behind the place
 * where those of the initial members would stand; so a member that joins later gets the keyspace
 * and not a log without it.
 *
 * @param position for the keyspace, and the log's beginning
 */
public record Founding(LogIdentity identity, Membership membership, LogPosition position) {

  /**
   * @param name of this member, one of {@code members}
   * @param members peer URLs of all initial members by name
   * @param origin tells the data from all other; the same for all members, see {@link
   *     Identity#cluster(java.util.Collection, byte[])}
   */
  public static Founding of(
      GroupId group, String name, Map<String, List<String>> members, String token, byte[] origin) {
    List<String> own = members.get(name);
    if (own == null) {
      throw new IllegalArgumentException(name + " is not one of " + members.keySet());
    }
    Map<MemberId, List<String>> byId = new TreeMap<>();
    members.values().forEach(urls -> byId.put(Identity.member(urls, token), urls));
    long cluster = Identity.cluster(byId.keySet(), origin);
    Membership.Builder membership = Membership.newBuilder().setClusterId(cluster);
    byId.forEach(
        (id, urls) ->
            membership.addMembers(
                Membership.Member.newBuilder().setId(id.value()).addAllPeerUrls(urls)));
    return new Founding(
        new LogIdentity(group, cluster, Identity.member(own, token), token),
        membership.build(),
        new LogPosition(byId.size(), Bootstrap.BOOTSTRAP_TERM));
  }

  /** What the keyspace has to hold beside the data, by name. */
  public Map<String, byte[]> keyspaceMeta() {
    return Map.of(MembershipState.META_KEY, membership.toByteArray());
  }

  /** Makes the log, durably. */
  public void writeLog(Path directory) {
    NewLog.write(directory, identity, position);
  }
}
