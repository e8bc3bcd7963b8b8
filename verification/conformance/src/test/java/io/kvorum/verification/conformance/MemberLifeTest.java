package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Cluster.Setup;
import io.kvorum.verification.conformance.cluster.Etcdctl;
import io.kvorum.verification.conformance.cluster.Loopback;
import io.kvorum.verification.conformance.cluster.Member;
import io.kvorum.verification.conformance.cluster.Network;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Command;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * The life of members, from {@code etcdctl member add} to their removal, with three real processes
 * and the tool unmodified.
 */
class MemberLifeTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final Duration WRITE_LIMIT = Duration.ofSeconds(5);

  private final Network network = new Loopback(4);
  private final Setup setup = Setup.of(Binaries.kvorum(), network, 3).dataUnder(Directories.fast());

  @Test
  void aMemberComesAsALearnerLeadsAndGoes() {
    try (var cluster = Cluster.start(setup)) {
      var asked = cluster.followers().getFirst();
      for (var member : cluster.members()) {
        done(member, "endpoint", "health", "--cluster");
        var all = done(member, "endpoint", "status", "--cluster").out().lines().toList();
        assertEquals(
            cluster.members().stream().map(each -> each.server().clientUrl()).sorted().toList(),
            all.stream().map(line -> line.replaceFirst(",.*", "")).sorted().toList());
      }
      var place = network.place(3, 0).peerUrl();
      var added =
          Etcdctl.whenHealthy(asked, "member", "add", "m4", "--learner", "--peer-urls=" + place);
      var id = added.out().replaceFirst("(?s)Member +([0-9a-f]+) added.*", "$1");
      refused(
          "etcdserver: can only promote a learner member which is in sync with leader",
          asked,
          "member",
          "promote",
          id);
      var taken = "--peer-urls=" + asked.peerUrl();
      refused("etcdserver: Peer URLs already exists", asked, "member", "add", "x", taken);
      var fourth = setup.member(3, 0, "m4", Etcdctl.initialCluster(added), "existing");
      try (fourth) {
        fourth.server().launch();
        Await.until("the learner answers", LIMIT, () -> fourth.status().isPresent());
        learnerIsRefusedWhatIsNotForIt(fourth);
        done(asked, "member", "promote", id);
        refused("etcdserver: can only promote a learner member", asked, "member", "promote", id);
        handLeadershipTo(cluster, fourth, id);
        assertTrue(fourth.takesWrite(WRITE_LIMIT));
        assertEquals(asked.memberList(), fourth.memberList());
        removed(asked, fourth, id);
      }
      refused("etcdserver: member not found", asked, "member", "remove", id);
      assertTrue(cluster.leader().takesWrite(WRITE_LIMIT));
    }
  }

  private static void learnerIsRefusedWhatIsNotForIt(Member learner) {
    refused("etcdserver: rpc not supported for learner", learner, "get", "k");
    done(learner, "get", "k", "--consistency=s");
    assertTrue(
        done(learner, "endpoint", "status", "-w", "json").out().contains("\"isLearner\":true"));
  }

  private static void handLeadershipTo(Cluster cluster, Member successor, String id) {
    var leader = cluster.leader();
    long term = term(leader);
    refused("no leader endpoint given", successor, "move-leader", id);
    done(leader, "move-leader", id);
    // The term that a member tells is that of what it has applied.
    done(successor, "put", "led", "by " + successor.name());
    done(leader, "get", "led");
    assertEquals(term + 1, term(leader));
    assertEquals(term(leader), term(successor));
  }

  /** It ends by itself, and does not come back with what it has. */
  private static void removed(Member asked, Member gone, String id) {
    Etcdctl.whenHealthy(asked, "member", "remove", id);
    assertEquals(0, gone.server().awaitExit(LIMIT), () -> gone.server().outputEnd());
    gone.server().launch();
    assertEquals(0, gone.server().awaitExit(LIMIT), () -> gone.server().outputEnd());
    assertTrue(gone.server().outputEnd().contains("permanently removed from the cluster"));
    assertFalse(Etcdctl.run(asked, "member", "list").out().contains(id));
  }

  @Test
  void aMemberThatLostItsDataIsReplacedUnderANewId() {
    try (var cluster = Cluster.start(setup)) {
      var lost = cluster.followers().getFirst();
      var asked = cluster.leader();
      assertTrue(asked.takesWrite(WRITE_LIMIT));
      lost.kill();
      Directories.delete(lost.server().dataDirectory());
      lost.server().launch();
      assertEquals(1, lost.server().awaitExit(LIMIT));
      assertTrue(lost.server().outputEnd().contains("has already been bootstrapped"));
      var fresh = cluster.replaceLost(lost, "again");
      fresh.server().startAgain();
      assertTrue(fresh.takesWrite(WRITE_LIMIT));
      assertEquals(asked.memberList(), fresh.memberList());
    }
  }

  @Test
  void aLeaderThatIsStoppedHandsOver() {
    try (var cluster = Cluster.start(setup)) {
      var leader = cluster.leader();
      long term = term(leader);
      assertEquals(143, leader.server().terminate());
      var next = cluster.leader();
      assertEquals(term + 1, term(next), "one election, and no more");
      leader.server().startAgain();
      assertEquals(next.memberList(), leader.memberList());
      assertEquals(term + 1, term(leader));
    }
  }

  @Test
  void theLastOfALostClusterGoesOnAlone() {
    try (var cluster = Cluster.start(setup)) {
      assertTrue(cluster.leader().takesWrite(WRITE_LIMIT));
      var last = cluster.followers().getFirst();
      for (var member : cluster.members()) {
        member.kill();
      }
      try (var alone =
          ServerProcess.notStarted(
              Binaries.kvorum(),
              ServerProcess.Settings.plain()
                  .at(last.server().place())
                  .dataIn(last.server().dataDirectory())
                  .flags("--name", last.name(), "--force-new-cluster"))) {
        alone.startAgain();
        var keys = etcdctl(alone, "get", "probe/", "--prefix", "--keys-only");
        assertTrue(keys.out().startsWith("probe/m"), keys::toString);
        assertEquals(1, etcdctl(alone, "member", "list").out().lines().count());
        assertEquals("OK", etcdctl(alone, "put", "k", "v").out().strip());
      }
    }
  }

  private static Command.Result etcdctl(ServerProcess server, String... arguments) {
    var command = new ArrayList<String>();
    command.addAll(List.of(Binaries.etcdctl().toString(), "--endpoints", server.address()));
    command.addAll(List.of(arguments));
    return Command.run(LIMIT, Map.of(), "", command);
  }

  private static Command.Result done(Member asked, String... arguments) {
    var result = Etcdctl.run(asked, arguments);
    assertEquals(0, result.exitCode(), result::toString);
    return result;
  }

  private static void refused(String text, Member asked, String... arguments) {
    var result = Etcdctl.run(asked, arguments);
    assertTrue(result.exitCode() != 0 && result.err().contains(text), result::toString);
  }

  private static long term(Member member) {
    return member
        .status()
        .orElseThrow(() -> new AssertionError(member + " does not answer"))
        .getRaftTerm();
  }
}
