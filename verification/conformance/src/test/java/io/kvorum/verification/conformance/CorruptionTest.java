package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.CompactionRequest;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Cluster.Setup;
import io.kvorum.verification.conformance.cluster.Loopback;
import io.kvorum.verification.conformance.cluster.Member;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Command;
import io.kvorum.verification.conformance.harness.Directories;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Three members of which one holds another value than the rest, with all checksums right: what no
 * look at one member alone can find. Each of the three comparisons finds it, and names the member.
 */
class CorruptionTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final Path ALTER = Path.of("src/test/tools/AlterStore.java");
  private static final int EXIT_REFUSED = 1;

  private static Cluster cluster(String... flags) {
    var cluster =
        Cluster.start(
            Setup.of(Binaries.kvorum(), new Loopback(3), 3)
                .dataUnder(Directories.fast())
                .flags(List.of(flags)));
    for (int i = 0; i < 10; i++) put(cluster.member(0), "k" + i);
    return cluster;
  }

  private static void put(Member to, String key) {
    var request =
        PutRequest.newBuilder()
            .setKey(ByteString.copyFromUtf8(key))
            .setValue(ByteString.copyFromUtf8("right"));
    var unused = to.connection().kv(LIMIT).put(request.build());
  }

  /** Stops the member in order, so that all of its keyspace is on disk, and changes a value. */
  private static void alter(Member member) {
    member.server().terminate();
    var keyspace = member.server().dataDirectory().resolve("member/keyspace");
    var libraries = Binaries.kvorum().resolveSibling("../lib").normalize();
    var altered =
        Command.run(
            LIMIT,
            Path.of(System.getProperty("java.home", ""), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            libraries + "/*",
            ALTER.toString(),
            keyspace.toString(),
            "k3",
            "wrong");
    assertEquals(0, altered.exitCode(), altered::toString);
    assertEquals("1", altered.out().strip().lines().toList().getLast(), altered::toString);
  }

  private static long id(Member member) {
    return member.status().orElseThrow().getHeader().getMemberId();
  }

  private static String value(Member member) {
    var request =
        RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8("k3")).setSerializable(true);
    return member.connection().kv(LIMIT).range(request.build()).getKvs(0).getValue().toStringUtf8();
  }

  private static void isNamed(Cluster cluster, long corrupt) {
    var expected = List.of("memberID:" + Long.toUnsignedString(corrupt) + " alarm:CORRUPT");
    Await.until(
        expected + " on all members",
        LIMIT,
        () ->
            cluster.members().stream()
                .allMatch(
                    member ->
                        member
                            .status()
                            .map(status -> expected.equals(List.copyOf(status.getErrorsList())))
                            .orElse(false)));
    for (var member : cluster.members()) {
      var refusal = refusal(() -> put(member, "k"));
      assertEquals(Status.Code.DATA_LOSS, refusal.getCode());
      assertEquals("etcdserver: corrupt cluster", refusal.getDescription());
    }
  }

  /**
   * The comparison that is meant has found it, and neither the other one nor that of the rolling
   * hashes, which is always at work and raises the same alarm.
   */
  private static void wasFoundBy(Cluster cluster, String hashes) {
    var found =
        cluster.members().stream()
            .flatMap(member -> member.server().output().lines())
            .filter(
                line -> line.contains("the members' hashes of ") || line.contains("bad revision"))
            .toList();
    assertFalse(found.isEmpty());
    for (var line : found) {
      assertTrue(line.contains("the members' hashes of " + hashes + " differ at revision "), line);
    }
  }

  private static Status refusal(Runnable call) {
    try {
      call.run();
    } catch (StatusRuntimeException refused) {
      return refused.getStatus();
    }
    throw new AssertionError("not refused");
  }

  @Test
  void whoHoldsSomethingElseDoesNotStart() {
    try (var cluster = cluster("--feature-gates=InitialCorruptCheck=true")) {
      var victim = cluster.followers().getFirst();
      // Nothing is wrong with one that only comes back.
      victim.server().terminate();
      victim.server().startAgain();
      assertTrue(victim.server().output().contains("initial corruption checking passed"));
      alter(victim);
      victim.server().launch();
      assertEquals(EXIT_REFUSED, victim.server().awaitExit(LIMIT));
      var output = victim.server().outputEnd();
      assertTrue(output.contains("found data inconsistency with peers"), output);
      put(cluster.leader(), "k");
    }
  }

  @Test
  void aFollowerIsNamedByTheComparisonOfEverything() {
    try (var cluster = cluster("--corrupt-check-time=2s")) {
      var victim = cluster.followers().getFirst();
      long corrupt = id(victim);
      alter(victim);
      victim.server().startAgain();
      assertEquals("wrong", value(victim));
      isNamed(cluster, corrupt);
      wasFoundBy(cluster, "records");
    }
  }

  @Test
  void aFollowerIsNamedByWhatCompactionsHashed() {
    try (var cluster =
        cluster("--feature-gates=CompactHashCheck=true", "--compact-hash-check-time=2s")) {
      var victim = cluster.followers().getFirst();
      long corrupt = id(victim);
      compact(cluster.leader(), 4);
      alter(victim);
      victim.server().startAgain();
      assertEquals("wrong", value(victim));
      assertNotEquals(victim, cluster.leader());
      compact(cluster.leader(), 6);
      isNamed(cluster, corrupt);
      wasFoundBy(cluster, "compactions");
    }
  }

  private static void compact(Member member, long revision) {
    var request = CompactionRequest.newBuilder().setRevision(revision).setPhysical(true).build();
    var unused = member.connection().kv(LIMIT).compact(request);
  }
}
