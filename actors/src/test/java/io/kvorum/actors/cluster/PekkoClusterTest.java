package io.kvorum.actors.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.protocol.internal.Membership;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.cluster.Cluster;
import org.apache.pekko.cluster.MemberStatus;
import org.junit.jupiter.api.Test;

class PekkoClusterTest {
  private static final Duration FORMED = Duration.ofSeconds(60);

  @Test
  void membersFindEachOtherAndARestartedOneComesBack() {
    PeerProcess one = PeerProcess.start();
    PeerProcess two = PeerProcess.start();
    PeerProcess three = PeerProcess.start();
    try {
      Map<Long, PeerAddress> addresses =
          Map.of(1L, one.address(), 2L, two.address(), 3L, three.address());
      Membership all = PeerProcess.membership(addresses);
      join(one, PeerProcess.CLUSTER, 1, all);
      join(two, PeerProcess.CLUSTER, 2, all);
      join(three, PeerProcess.CLUSTER, 3, all);
      PeerProcess.await(
          "three are up", FORMED, () -> up(one) == 3 && up(two) == 3 && up(three) == 3);

      PeerAddress address = three.address();
      long stopNanos = System.nanoTime();
      three.close();
      assertTrue(
          System.nanoTime() - stopNanos < Duration.ofSeconds(5).toNanos(),
          "leaving does not delay a stop");
      PeerProcess.await("gone", FORMED, () -> up(one) == 2 && up(two) == 2);
      try (PeerProcess again = PeerProcess.start(address)) {
        join(again, PeerProcess.CLUSTER, 3, all);
        PeerProcess.await(
            "three are up again", FORMED, () -> up(one) == 3 && up(two) == 3 && up(again) == 3);
      }
      assertFalse(one.system.getWhenTerminated().toCompletableFuture().isDone());
    } finally {
      three.close();
      two.close();
      one.close();
    }
  }

  @Test
  void anotherClusterIsNotJoined() {
    try (PeerProcess one = PeerProcess.start();
        PeerProcess stranger = PeerProcess.start()) {
      Membership both =
          PeerProcess.membership(new TreeMap<>(Map.of(1L, one.address(), 2L, stranger.address())));
      GroupLink link = (GroupLink) one.join(1);
      link.members(both);
      GroupPeers foreign = stranger.join(PeerProcess.CLUSTER + 1, 2);
      foreign.members(both);
      // A round trip each way: what they say to each other has been seen and refused.
      for (PeerProcess asker : List.of(one, stranger)) {
        for (PeerProcess asked : List.of(one, stranger)) {
          asker.network.ask(asked.address(), PeerProcess.PATIENCE).toCompletableFuture().join();
        }
      }
      List<PekkoCluster.Candidates> seen = new ArrayList<>();
      long end = System.nanoTime() + Duration.ofSeconds(2).toNanos();
      PeerProcess.await(
          "several pings",
          () -> {
            seen.add(link.candidates());
            return System.nanoTime() - end > 0;
          });
      for (PekkoCluster.Candidates candidates : seen) {
        assertEquals(new PekkoCluster.Candidates(true, 1, List.of()), candidates);
      }
    }
  }

  private static void join(PeerProcess process, long cluster, long member, Membership members) {
    GroupPeers peers = process.join(cluster, member);
    peers.members(members);
    PekkoCluster.join(process.system, peers);
  }

  /**
   * Those that are up as a process sees it. One that stops does not wait until the others know that
   * it leaves; they see it leaving, or cannot reach it any more.
   */
  private static long up(PeerProcess process) {
    var state = Cluster.get(Adapter.toClassic(process.system)).state();
    long count = 0;
    for (var member : state.getMembers()) {
      boolean reached = !state.getUnreachable().contains(member);
      count += reached && member.status() == MemberStatus.up() ? 1 : 0;
    }
    return count;
  }
}
