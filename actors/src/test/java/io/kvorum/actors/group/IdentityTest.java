package io.kvorum.actors.group;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvorum.protocol.MemberId;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Ids that a real etcd 3.7.1 prints for the same initial cluster and token. */
final class IdentityTest {
  @Test
  void theDefaultMemberAndCluster() {
    MemberId member = Identity.member(List.of("http://localhost:2380"), "etcd-cluster");
    assertEquals("8e9e05c52164694d", member.toString());
    assertEquals("cdf818194e3a8c32", Long.toHexString(Identity.cluster(List.of(member))));
  }

  @Test
  void theOrderOfUrlsAndMembersDoesNotMatter() {
    List<String> urls = List.of("http://b:1", "http://a:1");
    assertEquals(
        Identity.member(urls, "t"), Identity.member(List.of("http://a:1", "http://b:1"), "t"));
    List<MemberId> members = List.of(new MemberId(-1), new MemberId(5));
    assertEquals(Identity.cluster(members), Identity.cluster(members.reversed()));
  }
}
