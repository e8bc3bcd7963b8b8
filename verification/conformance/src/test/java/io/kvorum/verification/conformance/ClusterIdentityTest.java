package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.etcd.jetcd.api.StatusResponse;
import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Cluster.Setup;
import io.kvorum.verification.conformance.cluster.Loopback;
import io.kvorum.verification.conformance.cluster.Member;
import io.kvorum.verification.conformance.cluster.Network;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Directories;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Clusters on one network keep to themselves, also where a member of one stands at an address that
 * another cluster knows.
 */
class ClusterIdentityTest {
  private static final Duration WRITE_LIMIT = Duration.ofSeconds(5);

  /** Several election timeouts, in which a stranger could do harm. */
  private static final Duration STRANGER_STAYS = Duration.ofSeconds(4);

  private static final Duration BACK_LIMIT = Duration.ofSeconds(30);
  private static final Duration REFUSAL_LIMIT = Duration.ofSeconds(60);

  private static final Network NETWORK = new Loopback(3);

  /** All tests leave it as they found it. */
  @SuppressWarnings("NullAway.Init")
  private static Cluster cluster;

  @BeforeAll
  static void start() {
    cluster =
        Cluster.start(
            Setup.of(Binaries.kvorum(), NETWORK, 3).token("ours").dataUnder(Directories.fast()));
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  /** It was made with another token: with the same names and URLs, but other ids. */
  @Test
  void aStrangerInTheirMidstIsRefused() {
    var gone = cluster.followers().getFirst();
    var leader = cluster.leader();
    long term = term(leader);
    long clusterId = clusterId(leader);
    gone.kill();
    try (var stranger =
        theirs().member(gone.slot(), 0, gone.name(), cluster.setup().initialCluster(), "new")) {
      stranger.server().launch();
      // alone among members that refuse it, it has no quorum to be ready with
      assertFalse(
          Await.holdsWithin(STRANGER_STAYS, () -> stranger.takesWrite(Duration.ofSeconds(1))),
          () -> "it took a write:\n" + stranger.server().outputEnd());
      assertTrue(leader.takesWrite(WRITE_LIMIT), "two of three go on");
      assertEquals(term, term(leader), "no election is disturbed by a stranger");
      assertEquals(clusterId, clusterId(leader));
      if (stranger.server().isAlive()) stranger.kill();
    }
    bringBack(gone);
    assertEquals(leader.memberList(), gone.memberList());
  }

  /** A cluster of its own, with data, at an address that ours sends to. */
  @Test
  void aMemberOfAnotherClusterWithDataIsRefused() {
    var gone = cluster.followers().getFirst();
    var leader = cluster.leader();
    gone.kill();
    var url = NETWORK.place(gone.slot(), 0).peerUrl();
    try (var other = theirs().member(gone.slot(), 0, "other", "other=" + url, "new")) {
      other.server().startAgain();
      assertTrue(other.takesWrite(WRITE_LIMIT), "a cluster of one works");
      long term = term(leader);
      long revision = status(other).getHeader().getRevision();
      assertNotEquals(clusterId(leader), clusterId(other));
      assertFalse(
          Await.holdsWithin(
              STRANGER_STAYS,
              () ->
                  term(leader) != term
                      || status(other).getHeader().getRevision() != revision
                      || other.memberList().size() != 1),
          "neither moves the other");
      assertTrue(leader.takesWrite(WRITE_LIMIT), "two of three go on");
      assertTrue(other.takesWrite(WRITE_LIMIT));
      other.kill();
    }
    bringBack(gone);
  }

  @Test
  void joiningWithAListThatIsNotTheirsIsRefused() {
    var list = cluster.setup().initialCluster() + ",m4=" + NETWORK.place(0, 1).peerUrl();
    try (var uninvited = cluster.setup().member(0, 1, "m4", list, "existing")) {
      uninvited.server().launch();
      assertNotEquals(0, uninvited.server().awaitExit(REFUSAL_LIMIT));
      assertTrue(cluster.leader().takesWrite(WRITE_LIMIT));
      assertEquals(3, cluster.leader().memberList().size());
    }
  }

  private static Setup theirs() {
    return cluster.setup().token("theirs");
  }

  private static void bringBack(Member gone) {
    gone.server().launch();
    Await.until("back in its cluster", BACK_LIMIT, () -> gone.takesWrite(WRITE_LIMIT));
  }

  private static StatusResponse status(Member member) {
    return member.status().orElseThrow(() -> new AssertionError(member + " does not answer"));
  }

  private static long clusterId(Member member) {
    return status(member).getHeader().getClusterId();
  }

  private static long term(Member member) {
    return status(member).getRaftTerm();
  }
}
