package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.lock.LockGrpc;
import io.etcd.jetcd.api.lock.LockRequest;
import io.etcd.jetcd.api.lock.LockResponse;
import io.etcd.jetcd.api.lock.UnlockRequest;
import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Cluster.Setup;
import io.kvorum.verification.conformance.cluster.Member;
import io.kvorum.verification.conformance.cluster.Network;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.lease.LeaseCalls;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A lock that is asked for and given back at different members, while the leader is killed. */
class LockClusterTest {
  private static final int WAITERS = 24;
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final ByteString NAME = ByteString.copyFromUtf8("shared");

  @Test
  void goesFromMemberToMemberInTheOrderOfTheCalls() throws Exception {
    try (var network = Network.best(3);
        var cluster =
            Cluster.start(Setup.of(Binaries.kvorum(), network, 3).dataUnder(Directories.fast()))) {
      var leader = cluster.leader();
      var followers = cluster.members().stream().filter(member -> member != leader).toList();
      var calls = new ArrayList<ListenableFuture<LockResponse>>();
      for (int i = 0; i < WAITERS; i++) {
        calls.add(lock(followers.get(i % 2)));
        awaitInLine(cluster, i + 1);
      }
      long revision = 0;
      for (int i = 0; i < WAITERS; i++) {
        var held = calls.get(i).get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        assertTrue(held.getHeader().getRevision() > revision, "each comes later than the last");
        revision = held.getHeader().getRevision();
        int holder = i;
        assertEquals(
            List.of(),
            calls.stream().skip(holder + 1L).filter(ListenableFuture::isDone).toList(),
            "two have the lock");
        if (i == WAITERS / 2) {
          leader.kill();
          var unused = cluster.leader();
        }
        // At the own member, at the next waiter's, and at the leader.
        var at = i < WAITERS / 2 && i % 3 == 0 ? leader : followers.get(i / 2 % 2);
        unlock(at, held.getKey());
      }
      awaitInLine(cluster, 0);
    }
  }

  private static ListenableFuture<LockResponse> lock(Member member) {
    var channel = member.connection().channel();
    long lease = new LeaseCalls(channel).grant(0, 300).getID();
    return LockGrpc.newFutureStub(channel)
        .lock(LockRequest.newBuilder().setName(NAME).setLease(lease).build());
  }

  private static void unlock(Member member, ByteString key) {
    var unused =
        LockGrpc.newBlockingStub(member.connection().channel())
            .withDeadlineAfter(LIMIT.toMillis(), TimeUnit.MILLISECONDS)
            .unlock(UnlockRequest.newBuilder().setKey(key).build());
  }

  private static void awaitInLine(Cluster cluster, int keys) {
    var range =
        RangeRequest.newBuilder()
            .setKey(NAME.concat(ByteString.copyFromUtf8("/")))
            .setRangeEnd(NAME.concat(ByteString.copyFromUtf8("0")))
            .setCountOnly(true)
            .build();
    Await.until(
        keys + " in line",
        LIMIT,
        () -> cluster.leader().connection().kv(LIMIT).range(range).getCount() == keys);
  }
}
