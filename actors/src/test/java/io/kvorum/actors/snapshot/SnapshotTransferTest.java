package io.kvorum.actors.snapshot;

import static io.kvorum.actors.snapshot.SnapshotCluster.PERFECT;
import static io.kvorum.actors.snapshot.SnapshotCluster.SETTINGS;
import static io.kvorum.actors.snapshot.SnapshotCluster.await;
import static io.kvorum.actors.snapshot.SnapshotCluster.membershipOfThree;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.actors.snapshot.SnapshotCluster.Member;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Transfers between real keyspaces over networks that do what networks do. A failure of the lossy
 * one names its seed; replay it with {@code mvn -pl actors -am test -Dtest=SnapshotTransferTest
 * -Dkvorum.seed=SEED -Dsurefire.failIfNoSpecifiedTests=false}.
 */
class SnapshotTransferTest {
  private static final long TERM = 4;

  @TempDir Path directory;
  private @Nullable SnapshotCluster cluster;

  private SnapshotCluster cluster(SnapshotSettings settings, SnapshotCluster.Network network) {
    SnapshotCluster started = new SnapshotCluster(directory, settings, network);
    cluster = started;
    return started;
  }

  @AfterEach
  void close() {
    if (cluster != null) {
      cluster.close();
    }
  }

  static List<Long> seeds() {
    Long replayed = Long.getLong("kvorum.seed");
    return replayed != null
        ? List.of(replayed)
        : List.of(1L, 2L, 3L, new Random().nextLong(), new Random().nextLong());
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void arrivesThroughANetworkThatLosesThings(long seed) {
    var members = cluster(SETTINGS, new LossyNetwork(seed));
    Member leader = members.member(1);
    Member follower = members.member(2);
    leader.fill(60, 2000, new Random(seed));
    follower.fill(5, 10, new Random(seed));
    List<String> expected = leader.rows();
    LogPosition at = leader.keyspace.applied();
    try {
      leader.send(follower, TERM);
      // Too much damage ends a transfer, as it should; the replica then asks again.
      while (!leader.await(ReplicaMessage.SnapshotSent.class).delivered()) {
        leader.heard.clear();
        leader.send(follower, TERM);
      }
      follower.await(ReplicaMessage.SnapshotInstalled.class);
    } catch (AssertionError e) {
      throw new AssertionError("replay with -Dkvorum.seed=" + seed, e);
    }
    assertEquals(
        new ReplicaMessage.SnapshotSent(follower.id, at, true),
        leader.await(ReplicaMessage.SnapshotSent.class));
    assertEquals(
        new ReplicaMessage.SnapshotReceived(leader.id, TERM, at),
        follower.await(ReplicaMessage.SnapshotReceived.class));
    assertEquals(expected, follower.rows());
  }

  @Test
  void everythingIsToldOfTheInstalledSnapshot() {
    var members = cluster(SETTINGS, PERFECT);
    Member leader = members.member(1);
    Member follower = members.member(2);
    leader.fill(50, 100, new Random(1));
    AtomicInteger released = new AtomicInteger();
    follower.applied.whenReached(50, released::incrementAndGet);
    leader.send(follower, TERM);
    var installed = follower.await(ReplicaMessage.SnapshotInstalled.class);
    LogPosition at = new LogPosition(50, 3);
    assertEquals(at, installed.at());
    assertEquals(
        Configuration.of(List.of(new MemberId(1), new MemberId(2)), List.of(new MemberId(3))),
        installed.configuration());
    assertEquals(membershipOfThree(), follower.membership.get());
    assertEquals(at, follower.applied.get());
    assertEquals(1, released.get());
    assertEquals(List.of(51L), List.copyOf(follower.jumps));
    assertEquals(List.of(at), List.copyOf(follower.logReplacements));
    assertEquals(Optional.empty(), follower.keyspace.unfinishedInstall());
  }

  /** Until the log is emptied the keyspace says so, and the replica is told nothing. */
  @Test
  void theLogIsEmptiedBeforeTheReplicaGoesOn() {
    var members = cluster(SETTINGS, PERFECT);
    Member leader = members.member(1);
    Member follower = members.member(2);
    follower.logAnswers = false;
    leader.fill(50, 100, new Random(1));
    leader.send(follower, TERM);
    LogPosition at = leader.keyspace.applied();
    await("the first attempt", () -> follower.logReplacements.size() == 1);
    assertEquals(Optional.of(at), follower.keyspace.unfinishedInstall());
    // Its disk failed, and its actor was started anew.
    follower.logAnswers = true;
    follower.snapshots.tell(new Snapshots.LogRestarted());
    follower.await(ReplicaMessage.SnapshotInstalled.class);
    assertEquals(2, follower.logReplacements.size());
    assertEquals(Optional.empty(), follower.keyspace.unfinishedInstall());
  }

  @Test
  void whatTheReplicaDoesNotWantIsRemoved() {
    var members = cluster(SETTINGS, PERFECT);
    Member leader = members.member(1);
    Member follower = members.member(2);
    follower.wantsSnapshots = false;
    leader.fill(50, 100, new Random(1));
    leader.send(follower, TERM);
    assertTrue(leader.await(ReplicaMessage.SnapshotSent.class).delivered());
    follower.await(ReplicaMessage.SnapshotReceived.class);
    await("removal", () -> generations(follower) == 1);
    assertEquals(0, follower.keyspace.applied().index());
    // The next one is taken.
    follower.wantsSnapshots = true;
    follower.heard.clear();
    leader.heard.clear();
    leader.send(follower, TERM);
    follower.await(ReplicaMessage.SnapshotInstalled.class);
  }

  @Test
  void aReceiverThatHasLostEverythingBeginsAnew() {
    AtomicInteger chunks = new AtomicInteger();
    var members =
        cluster(
            SETTINGS,
            (from, to, message) -> {
              if (message instanceof SnapshotMessage.Chunk && chunks.incrementAndGet() == 30) {
                to.restartSnapshots();
              } else {
                to.hear(from.id, message);
              }
            });
    Member leader = members.member(1);
    Member follower = members.member(2);
    leader.fill(60, 2000, new Random(1));
    List<String> expected = leader.rows();
    leader.send(follower, TERM);
    await("the consistent view", () -> chunks.get() > 0);
    // What is written meanwhile is not part of it.
    leader.fill(10, 10, new Random(2));
    assertTrue(leader.await(ReplicaMessage.SnapshotSent.class).delivered());
    follower.await(ReplicaMessage.SnapshotInstalled.class);
    assertEquals(expected, follower.rows());
  }

  @Test
  void aSenderThatHearsNothingGivesUp() {
    Queue<SnapshotMessage> sent = new ConcurrentLinkedQueue<>();
    var members = cluster(withRepeats(4), (from, to, message) -> sent.add(message));
    Member leader = members.member(1);
    Member follower = members.member(2);
    leader.fill(5, 100, new Random(1));
    leader.send(follower, TERM);
    assertFalse(leader.await(ReplicaMessage.SnapshotSent.class).delivered());
    assertEquals(5, sent.stream().filter(m -> m instanceof SnapshotMessage.Offer).count());
    assertEquals(1, sent.stream().filter(m -> m instanceof SnapshotMessage.Abort).count());
    await("the view's end", () -> leader.keyspace.stats().openViews() == 0);
  }

  private static SnapshotSettings withRepeats(int repeats) {
    return new SnapshotSettings(
        1 << 10, 4 << 10, 1 << 30, 2, Duration.ofMillis(20), repeats, Duration.ofMillis(200));
  }

  @Test
  void aReceiverThatHearsNothingRemovesWhatItHas() {
    var members =
        cluster(
            withRepeats(4),
            (from, to, message) -> {
              boolean late = message instanceof SnapshotMessage.Chunk c && c.number() > 3;
              if (!late && !(message instanceof SnapshotMessage.Abort)) {
                to.hear(from.id, message);
              }
            });
    Member leader = members.member(1);
    Member follower = members.member(2);
    leader.fill(60, 1000, new Random(1));
    leader.send(follower, TERM);
    await("staging", () -> generations(follower) == 2);
    assertFalse(leader.await(ReplicaMessage.SnapshotSent.class).delivered());
    await("removal", () -> generations(follower) == 1);
    assertEquals(0, follower.keyspace.applied().index());
  }

  @Test
  void onlySoManyAreSentAtATimeAndTheOthersWait() {
    Queue<MemberId> offered = new ConcurrentLinkedQueue<>();
    var members =
        cluster(
            SETTINGS,
            (from, to, message) -> {
              if (message instanceof SnapshotMessage.Offer && !offered.contains(to.id)) {
                offered.add(to.id);
              }
            });
    Member leader = members.member(1);
    leader.fill(5, 100, new Random(1));
    List<Member> followers = new ArrayList<>();
    for (long id = 2; id < 6; id++) {
      followers.add(members.member(id));
      leader.send(followers.getLast(), TERM);
      leader.send(followers.getLast(), TERM);
    }
    await("two offers", () -> offered.size() == 2);
    assertEquals(2, leader.keyspace.stats().openViews());
    members.network = PERFECT;
    for (Member follower : followers) {
      follower.await(ReplicaMessage.SnapshotInstalled.class);
      assertEquals(leader.rows(), follower.rows());
    }
    await("reports", () -> leader.heard.size() == 4);
  }

  @Test
  void whatIsNotNeededIsRefusedAtOnce() {
    var members = cluster(SETTINGS, PERFECT);
    Member leader = members.member(1);
    Member follower = members.member(2);
    leader.fill(5, 100, new Random(1));
    follower.fill(5, 100, new Random(1));
    leader.send(follower, TERM);
    assertFalse(leader.await(ReplicaMessage.SnapshotSent.class).delivered());
    assertEquals(1, generations(follower));
    assertTrue(follower.heard.isEmpty());
  }

  @Test
  void aLaterLeadersTakesTheOlderOnesPlace() {
    var members =
        cluster(
            SETTINGS,
            (from, to, message) -> {
              boolean stuck =
                  from.id.value() == 1
                      && message instanceof SnapshotMessage.Chunk c
                      && c.number() > 3;
              if (!stuck) {
                to.hear(from.id, message);
              }
            });
    Member former = members.member(1);
    Member leader = members.member(2);
    Member follower = members.member(3);
    former.fill(60, 1000, new Random(1));
    leader.fill(70, 1000, new Random(2));
    former.send(follower, TERM);
    await("staging", () -> generations(follower) == 2);
    leader.send(follower, TERM + 1);
    follower.await(ReplicaMessage.SnapshotInstalled.class);
    assertFalse(former.await(ReplicaMessage.SnapshotSent.class).delivered());
    assertEquals(leader.rows(), follower.rows());
  }

  /** A lost last word must not cost the whole transfer. */
  @Test
  void aLostVerificationIsRepeated() {
    AtomicInteger verified = new AtomicInteger();
    var members =
        cluster(
            SETTINGS,
            (from, to, message) -> {
              if (!(message instanceof SnapshotMessage.Verified)
                  || verified.incrementAndGet() > 2) {
                to.hear(from.id, message);
              }
            });
    Member leader = members.member(1);
    Member follower = members.member(2);
    leader.fill(20, 1000, new Random(1));
    leader.send(follower, TERM);
    assertTrue(leader.await(ReplicaMessage.SnapshotSent.class).delivered());
    follower.await(ReplicaMessage.SnapshotInstalled.class);
    assertTrue(verified.get() >= 3);
    assertEquals(
        1,
        follower.heard.stream().filter(m -> m instanceof ReplicaMessage.SnapshotReceived).count());
  }

  private static long generations(Member member) {
    try (Stream<Path> files = Files.list(member.directory())) {
      return files.filter(Files::isDirectory).count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
