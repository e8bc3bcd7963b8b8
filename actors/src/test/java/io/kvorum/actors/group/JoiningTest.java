package io.kvorum.actors.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.actors.cluster.PeerInfo;
import io.kvorum.actors.raft.RaftSettings;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.Membership;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What a member without a log makes of its peers' answers. */
final class JoiningTest {
  private static final long CLUSTER = 0xc1;

  private static GroupSettings settings(String... members) {
    Map<String, List<String>> initial = new TreeMap<>();
    for (String member : members) {
      initial.put(member, List.of(url(member)));
    }
    return new GroupSettings(
        GroupId.DEFAULT,
        "c",
        new GroupSettings.InitialCluster(initial, true, "token", false, false),
        List.of("http://c:2379"),
        "3.7.1",
        new GroupSettings.MemberRules(true, 1),
        RaftSettings.of(10, 1, true, 5000),
        Duration.ofMillis(100),
        true,
        Duration.ofSeconds(7),
        10_000,
        10_000,
        Duration.ofMillis(100),
        Duration.ofMinutes(10),
        new HistoryRetention.Everything(),
        GroupSettings.Safeguards.defaults());
  }

  private static String url(String member) {
    return "http://10.0.0." + (member.charAt(0) - 'a' + 1) + ":2380";
  }

  private static Membership.Member member(long id, String member, String name) {
    return Membership.Member.newBuilder()
        .setId(id)
        .addPeerUrls(url(member))
        .setName(name)
        .addAllClientUrls(name.isEmpty() ? List.of() : List.of("http://" + name + ":2379"))
        .build();
  }

  private static Joining.Answer answer(Membership.Member... members) {
    return new Joining.Answer(
        "http://10.0.0.1:2380",
        new PeerInfo(
            members.length > 0,
            CLUSTER,
            new MemberId(1),
            Membership.newBuilder()
                .setClusterId(CLUSTER)
                .addAllMembers(Arrays.asList(members))
                .build(),
            "3.7.1"));
  }

  private static String refusal(Runnable decision) {
    return String.valueOf(
        assertThrows(Bootstrap.RefusedException.class, decision::run).getMessage());
  }

  @Test
  void idsAreThoseOfTheClusterThatIsJoined() {
    Joining.Ticket ticket =
        Joining.join(
                settings("a", "c"),
                Optional.empty(),
                List.of(answer(), answer(member(1, "a", "a"), member(77, "c", ""))))
            .orElseThrow();
    assertEquals(
        new LogIdentity(GroupId.DEFAULT, CLUSTER, new MemberId(77), "token"), ticket.identity());
    assertEquals(2, ticket.membership().getMembersCount());
  }

  @Test
  void withoutAClusterThereIsNothingToJoinYet() {
    assertEquals(
        Optional.empty(), Joining.join(settings("a", "c"), Optional.empty(), List.of(answer())));
    assertEquals(Optional.empty(), Joining.join(settings("a", "c"), Optional.empty(), List.of()));
  }

  @Test
  void aMismatchNamesBothSides() {
    String count =
        refusal(
            () ->
                Joining.join(
                    settings("a", "b", "c"),
                    Optional.empty(),
                    List.of(answer(member(1, "a", "a"), member(77, "c", "")))));
    assertTrue(count.contains("member count is unequal (3 in --initial-cluster, 2 there)"), count);
    assertTrue(count.contains("b=[http://10.0.0.2:2380]"), count);
    assertTrue(count.contains("4d=[http://10.0.0.3:2380]"), count);
    String urls =
        refusal(
            () ->
                Joining.join(
                    settings("a", "c"),
                    Optional.empty(),
                    List.of(answer(member(1, "a", "a"), member(77, "d", "")))));
    assertTrue(
        urls.contains("no match found for existing member (4d [http://10.0.0.4:2380])"), urls);
  }

  @Test
  void aPeerThatWasCutOffIsOutvoted() {
    Joining.Answer old = answer(member(1, "a", "a"));
    Joining.Answer now = answer(member(1, "a", "a"), member(77, "c", ""));
    assertTrue(Joining.join(settings("a", "c"), Optional.empty(), List.of(old, now)).isPresent());
  }

  @Test
  void aMemberThatHasStartedBeforeMustBringItsData() {
    Joining.Answer answer = answer(member(1, "a", "a"), member(77, "c", "c"));
    String why = refusal(() -> Joining.join(settings("a", "c"), Optional.empty(), List.of(answer)));
    assertTrue(why.startsWith("member 4d has already been started as c"), why);
    LogIdentity own = new LogIdentity(GroupId.DEFAULT, CLUSTER, new MemberId(77), "token");
    assertEquals(
        own,
        Joining.join(settings("a", "c"), Optional.of(own), List.of(answer))
            .orElseThrow()
            .identity());
  }

  @Test
  void aBegunJoinIsOfTheSameMemberOnly() {
    LogIdentity other = new LogIdentity(GroupId.DEFAULT, CLUSTER, new MemberId(78), "token");
    String why =
        refusal(
            () ->
                Joining.join(
                    settings("a", "c"),
                    Optional.of(other),
                    List.of(answer(member(1, "a", "a"), member(77, "c", "")))));
    assertTrue(why.contains("belongs to member 4e of cluster c1"), why);
  }

  @Test
  void aNewClusterIsNotMadeWhereItExists() {
    LogIdentity own = new LogIdentity(GroupId.DEFAULT, CLUSTER, new MemberId(77), "token");
    Joining.refuseWhereBootstrapped(own, List.of(answer()));
    // The others have started before this one.
    Joining.refuseWhereBootstrapped(own, List.of(answer(member(1, "a", "a"), member(77, "c", ""))));
    assertTrue(
        refusal(
                () ->
                    Joining.refuseWhereBootstrapped(
                        own, List.of(answer(member(1, "a", "a"), member(77, "c", "c")))))
            .startsWith("member 4d has already been bootstrapped"));
    LogIdentity foreign = new LogIdentity(GroupId.DEFAULT, 0xc2, new MemberId(77), "token");
    String mismatch =
        refusal(
            () -> Joining.refuseWhereBootstrapped(foreign, List.of(answer(member(1, "a", "a")))));
    assertTrue(mismatch.startsWith("cluster ID mismatch"), mismatch);
    assertTrue(mismatch.contains("cluster c1") && mismatch.contains("cluster c2"), mismatch);
  }
}
