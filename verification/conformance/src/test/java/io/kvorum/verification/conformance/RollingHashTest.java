package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Cluster.Setup;
import io.kvorum.verification.conformance.cluster.Etcdctl;
import io.kvorum.verification.conformance.cluster.Loopback;
import io.kvorum.verification.conformance.cluster.Member;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Command;
import io.kvorum.verification.conformance.harness.Directories;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * A member of three that holds something else than the others is named with the revision from which
 * on it does, and gets the alarm CORRUPT.
 */
class RollingHashTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  /** One comparison a second, some steps to the revision, one round to hear the third. */
  private static final Duration SECONDS = Duration.ofSeconds(15);

  private static final Pattern REVISION = Pattern.compile("\"revision\":(\\d+)");

  @Test
  void theMemberThatDeviatesIsNamedWithItsFirstBadRevision() throws Exception {
    try (var cluster =
        Cluster.start(
            Setup.of(Binaries.kvorum(), new Loopback(3), 3).dataUnder(Directories.fast()))) {
      for (int i = 0; i < 20; i++) put(cluster.leader(), "k" + i % 3, "v" + i);
      var victim = cluster.followers().getFirst();
      var id = Etcdctl.memberId(cluster.leader(), victim.name());
      victim.server().terminate();
      takeForAnotherVersion(victim, "k1");
      victim.server().startAgain();

      for (int i = 0; i < 20; i++) put(cluster.leader(), "other", "v" + i);
      var leader = cluster.leader();
      Await.until(
          "the members were compared",
          LIMIT,
          () -> leader.counter("kvorum_divergence_agreed_revision") >= 2 * 41);
      assertEquals("", done(leader, "alarm", "list").out(), "what nobody wrote is not known");

      long bad = put(leader, "k1", "after");
      var alarm =
          "memberID:" + Long.toUnsignedString(Long.parseUnsignedLong(id, 16)) + " alarm:CORRUPT";
      Await.until(alarm, SECONDS, () -> done(leader, "alarm", "list").out().strip().equals(alarm));
      var said =
          "member %s holds other data than the others: the first bad revision is %d"
              .formatted(id, bad);
      assertTrue(leader.server().output().contains(said), () -> leader.server().outputEnd());
      assertTrue(leader.counter("kvorum_divergence_found_total") >= 1);
      assertEquals(bad, leader.counter("kvorum_divergence_first_revision"));
      var refused = Etcdctl.run(leader, "put", "k1", "v");
      assertTrue(refused.err().contains("etcdserver: corrupt cluster"), refused.err());
      for (var member : cluster.members())
        assertFalse(member != leader && member.server().output().contains("first bad revision"));
    }
  }

  private static long put(Member asked, String key, String value) {
    var answer = done(asked, "put", key, value, "-w", "json").out();
    var revision = REVISION.matcher(answer);
    if (!revision.find()) throw new AssertionError(answer);
    return Long.parseLong(revision.group(1));
  }

  private static Command.Result done(Member asked, String... arguments) {
    var result = Etcdctl.run(asked, arguments);
    assertEquals(0, result.exitCode(), result::toString);
    return result;
  }

  private static void takeForAnotherVersion(Member member, String key) throws Exception {
    var source =
        Objects.requireNonNull(RollingHashTest.class.getResource("/offline/WrongRecord.java"));
    var libraries = Binaries.kvorum().resolveSibling("../lib/*");
    var java = Path.of(System.getProperty("java.home"), "bin", "java");
    var keyspace = member.server().dataDirectory().resolve("member").resolve("keyspace");
    var command =
        new ArrayList<>(
            List.of(
                java.toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--class-path",
                libraries.toString(),
                Path.of(source.toURI()).toString()));
    command.addAll(List.of(keyspace.toString(), key));
    var result = Command.run(LIMIT, Map.of(), "", command);
    assertEquals(0, result.exitCode(), result::toString);
  }
}
