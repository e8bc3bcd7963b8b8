package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.KVGrpc;
import io.etcd.jetcd.api.LeaseGrantRequest;
import io.etcd.jetcd.api.LeaseGrpc;
import io.etcd.jetcd.api.PutRequest;
import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Cluster.Setup;
import io.kvorum.verification.conformance.cluster.Member;
import io.kvorum.verification.conformance.cluster.Network;
import io.kvorum.verification.conformance.cluster.Network.Link;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.harness.MachineTime;
import io.kvorum.verification.conformance.lease.Keepers;
import io.kvorum.verification.conformance.lease.LeaseCalls;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Leases of a cluster of three processes, of which the leader is killed, paused and cut off. */
class LeaseClusterTest {
  private static final int LEASES = Integer.getInteger("kvorum.lease.count", 10_000);
  private static final int TTL_SECONDS = 12;
  private static final int CLIENTS = 12;

  /**
   * How late the last of many may be gone, counting an election and the time to revoke them all.
   */
  private static final Duration LATE = Duration.ofSeconds(15);

  private static final Duration LIMIT = Duration.ofSeconds(60);

  @Test
  void theKeptHalfStaysAndTheOtherGoesWhateverBecomesOfLeaders() throws Exception {
    try (var network = Network.best(3);
        var cluster =
            Cluster.start(Setup.of(Binaries.kvorum(), network, 3).dataUnder(Directories.fast()))) {
      var ids = LongStream.rangeClosed(1, LEASES).boxed().toList();
      grantAll(cluster.leader(), ids);
      long granted = MachineTime.nanos();
      var kept = ids.stream().filter(id -> id % 2 == 0).toList();
      var addresses = cluster.members().stream().map(Member::address).toList();
      try (var keepers =
          Keepers.of(kept, CLIENTS, addresses, Duration.ofSeconds(TTL_SECONDS / 4))) {
        kill(cluster);
        nothingIsLostSince(granted, cluster, ids);
        pause(cluster, granted, ids);
        if (network.canCut()) cut(cluster);
        long calm = MachineTime.nanos();
        nothingLost(keepers);
        awaitOnly(cluster, kept, calm);
        nothingLost(keepers);
        assertTrue(keepers.renewed() > LEASES, () -> "renewed " + keepers.renewed());
      }
      awaitOnly(cluster, List.of(), MachineTime.nanos());
      assertEquals(0, keysLeft(cluster));
    }
  }

  private static void grantAll(Member leader, List<Long> ids) throws Exception {
    var channel = leader.connection().channel();
    var calls = new ArrayList<Future<?>>();
    for (long id : ids)
      calls.add(
          LeaseGrpc.newFutureStub(channel)
              .leaseGrant(LeaseGrantRequest.newBuilder().setID(id).setTTL(TTL_SECONDS).build()));
    for (var call : calls) call.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    calls.clear();
    for (long id : ids)
      if (id % 10 < 2) {
        var put = PutRequest.newBuilder().setKey(key(id)).setLease(id).build();
        calls.add(KVGrpc.newFutureStub(channel).put(put));
      }
    for (var call : calls) call.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
  }

  private static ByteString key(long id) {
    return ByteString.copyFromUtf8("leased/" + id);
  }

  private static LeaseCalls leases(Member member) {
    return new LeaseCalls(member.connection().channel());
  }

  private static void nothingLost(Keepers keepers) {
    assertEquals(
        List.of(), keepers.lost().stream().limit(10).toList(), "kept, and said to be gone");
  }

  /** As long as no lease can have come to its end, all are there. */
  private static void nothingIsLostSince(long granted, Cluster cluster, List<Long> ids) {
    int there = leases(cluster.leader()).leases().size();
    if (MachineTime.nanos() - granted < Duration.ofSeconds(TTL_SECONDS).toNanos())
      assertEquals(ids.size(), there);
  }

  private static void kill(Cluster cluster) {
    var leader = cluster.leader();
    leader.kill();
    assertFalse(cluster.leader() == leader);
    leader.server().startAgain();
  }

  /** Longer than a lease lasts: the one that was paused takes itself for the leader as it wakes. */
  private static void pause(Cluster cluster, long granted, List<Long> ids) {
    var leader = cluster.leader();
    leader.pause();
    long paused = MachineTime.nanos();
    assertFalse(cluster.leader() == leader);
    nothingIsLostSince(granted, cluster, ids);
    Await.until(
        "the pause is over",
        LIMIT,
        () -> MachineTime.nanos() - paused > Duration.ofSeconds(TTL_SECONDS + 2).toNanos());
    leader.resume();
    Await.until("it answers again", LIMIT, () -> leader.status().isPresent());
  }

  private static void cut(Cluster cluster) {
    var leader = cluster.leader();
    var links = new ArrayList<Link>();
    for (var other : cluster.members())
      if (other != leader) {
        links.add(new Link(leader.slot(), other.slot()));
        links.add(new Link(other.slot(), leader.slot()));
      }
    cluster.network().cut(links);
    Await.until(
        "another leads",
        LIMIT,
        () -> cluster.leaderNow().filter(next -> next != leader).isPresent());
    cluster.network().mend();
    Await.until("one leads all", LIMIT, () -> cluster.leaderNow().isPresent());
  }

  private static void awaitOnly(Cluster cluster, List<Long> kept, long since) {
    Await.until(
        "the leases left are " + kept.size(),
        LIMIT,
        () -> leases(cluster.leader()).leases().size() <= kept.size());
    var late = Duration.ofNanos(MachineTime.nanos() - since).minusSeconds(TTL_SECONDS);
    assertTrue(late.compareTo(LATE) < 0, () -> "late by " + late);
    for (var member : cluster.members())
      Await.until(
          member + " has the same",
          LIMIT,
          () -> new HashSet<>(leases(member).leases()).equals(new HashSet<>(kept)));
  }

  private static long keysLeft(Cluster cluster) {
    var range =
        io.etcd.jetcd.api.RangeRequest.newBuilder()
            .setKey(ByteString.copyFromUtf8("leased/"))
            .setRangeEnd(ByteString.copyFromUtf8("leased0"))
            .setCountOnly(true)
            .build();
    return cluster.leader().connection().kv(LIMIT).range(range).getCount();
  }
}
