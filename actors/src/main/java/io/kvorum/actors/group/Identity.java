package io.kvorum.actors.group;

import io.kvorum.protocol.MemberId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.List;

/**
 * Ids as etcd computes them, so that the same initial cluster and token give the same ids
 * (membership/member.go, cluster.go).
 */
public final class Identity {
  private Identity() {}

  /**
   * Id of an initial member: from its peer URLs and the cluster's token; the name does not matter.
   */
  public static MemberId member(Collection<String> peerUrls, String clusterToken) {
    MessageDigest sha1 = sha1();
    for (String url : peerUrls.stream().sorted().toList()) {
      sha1.update(url.getBytes(StandardCharsets.UTF_8));
    }
    sha1.update(clusterToken.getBytes(StandardCharsets.UTF_8));
    return new MemberId(firstLong(sha1));
  }

  /**
   * Id of a member that is added to a running cluster: from its peer URLs and the time.
   *
   * @param unixSeconds when it is added
   */
  static MemberId memberAddedAt(Collection<String> peerUrls, long unixSeconds) {
    return member(peerUrls, Long.toString(unixSeconds));
  }

  /** Id of a cluster: from the ids of its initial members. */
  public static long cluster(Collection<MemberId> initialMembers) {
    return firstLong(digestOf(initialMembers));
  }

  /**
   * Id of a cluster that begins with data brought along: from the ids of its initial members and
   * what tells that data from all other. Members that begin with other data, or with none, so
   * belong to another cluster.
   */
  static long cluster(Collection<MemberId> initialMembers, byte[] origin) {
    MessageDigest sha1 = digestOf(initialMembers);
    sha1.update(origin);
    return firstLong(sha1);
  }

  private static MessageDigest digestOf(Collection<MemberId> initialMembers) {
    MessageDigest sha1 = sha1();
    List<MemberId> ascending = initialMembers.stream().sorted().toList();
    for (MemberId member : ascending) {
      sha1.update(ByteBuffer.allocate(Long.BYTES).putLong(member.value()).array());
    }
    return sha1;
  }

  private static long firstLong(MessageDigest digest) {
    return ByteBuffer.wrap(digest.digest()).getLong();
  }

  private static MessageDigest sha1() {
    try {
      return MessageDigest.getInstance("SHA-1");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-1", e);
    }
  }
}
