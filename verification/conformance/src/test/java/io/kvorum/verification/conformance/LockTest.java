package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.ByteString;
import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.api.CampaignRequest;
import io.etcd.jetcd.api.CampaignResponse;
import io.etcd.jetcd.api.DeleteRangeRequest;
import io.etcd.jetcd.api.ElectionGrpc;
import io.etcd.jetcd.api.LeaderRequest;
import io.etcd.jetcd.api.LeaderResponse;
import io.etcd.jetcd.api.ProclaimRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.ResignRequest;
import io.etcd.jetcd.api.lock.LockGrpc;
import io.etcd.jetcd.api.lock.LockRequest;
import io.etcd.jetcd.api.lock.LockResponse;
import io.etcd.jetcd.api.lock.UnlockRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.lease.LeaseCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Locks and elections asked for at the services, by etcdctl and by jetcd: all of them stand in the
 * same queues. The server can be any, so that the tests themselves can be tried on a real etcd.
 */
class LockTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  @SuppressWarnings("NullAway.Init")
  private static ServerProcess server;

  @SuppressWarnings("NullAway.Init")
  private static Connection connection;

  @SuppressWarnings("NullAway.Init")
  private static LeaseCalls leases;

  @TempDir Path directory;

  @BeforeAll
  static void start() {
    server = ServerProcess.start(Binaries.kvorum());
    connection = Connection.to(server.address());
    leases = new LeaseCalls(connection.channel());
  }

  @AfterAll
  static void stop() {
    connection.close();
    server.close();
  }

  private static ByteString bytes(String text) {
    return ByteString.copyFromUtf8(text);
  }

  private static LockGrpc.LockBlockingStub locks() {
    return LockGrpc.newBlockingStub(connection.channel())
        .withDeadlineAfter(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static ElectionGrpc.ElectionBlockingStub elections() {
    return ElectionGrpc.newBlockingStub(connection.channel())
        .withDeadlineAfter(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static LockRequest lock(String name, long lease) {
    return LockRequest.newBuilder().setName(bytes(name)).setLease(lease).build();
  }

  private static ListenableFuture<LockResponse> lockLater(String name, long lease) {
    return LockGrpc.newFutureStub(connection.channel()).lock(lock(name, lease));
  }

  private static void unlock(ByteString key) {
    var unused = locks().unlock(UnlockRequest.newBuilder().setKey(key).build());
  }

  private static long lease() {
    return leases.grant(0, 60).getID();
  }

  private static List<String> keys(String prefix) {
    var request =
        RangeRequest.newBuilder()
            .setKey(bytes(prefix + "/"))
            .setRangeEnd(bytes(prefix + "0"))
            .setSortTarget(RangeRequest.SortTarget.CREATE)
            .setSortOrder(RangeRequest.SortOrder.ASCEND)
            .build();
    return connection.kv().range(request).getKvsList().stream()
        .map(kv -> kv.getKey().toStringUtf8())
        .toList();
  }

  private static void awaitWaiting(String prefix, int keys) {
    Await.until(keys + " keys below " + prefix, LIMIT, () -> keys(prefix).size() == keys);
  }

  private static void assertUnknown(String text, StatusRuntimeException failure) {
    assertEquals(Status.Code.UNKNOWN, failure.getStatus().getCode());
    assertEquals(text, failure.getStatus().getDescription());
  }

  private static StatusRuntimeException failure(ListenableFuture<?> call) {
    var failed =
        assertThrows(ExecutionException.class, () -> call.get(20, TimeUnit.SECONDS)).getCause();
    return assertInstanceOf(StatusRuntimeException.class, failed);
  }

  @Test
  void aLockHasOneOwnerAfterTheOther() throws Exception {
    long first = lease();
    long second = lease();
    var held = locks().lock(lock("one", first));
    assertEquals("one/" + Long.toHexString(first), held.getKey().toStringUtf8());
    assertEquals(held.getKey(), locks().lock(lock("one", first)).getKey());
    var waiting = lockLater("one", second);
    awaitWaiting("one", 2);
    assertFalse(waiting.isDone());
    unlock(held.getKey());
    var next = waiting.get(20, TimeUnit.SECONDS);
    assertEquals("one/" + Long.toHexString(second), next.getKey().toStringUtf8());
    assertTrue(next.getHeader().getRevision() > held.getHeader().getRevision());
    unlock(next.getKey());
    unlock(next.getKey());
    assertEquals(List.of(), keys("one"));
  }

  @Test
  void whoDoesNotWaitAnyLongerLeavesTheQueue() throws Exception {
    var held = locks().lock(lock("left", lease()));
    var cancelled = lockLater("left", lease());
    awaitWaiting("left", 2);
    var late = locks().withDeadlineAfter(500, TimeUnit.MILLISECONDS);
    var request = lock("left", lease());
    var deadline = assertThrows(StatusRuntimeException.class, () -> late.lock(request));
    assertEquals(Status.Code.DEADLINE_EXCEEDED, deadline.getStatus().getCode());
    cancelled.cancel(true);
    awaitWaiting("left", 1);
    assertEquals(List.of(held.getKey().toStringUtf8()), keys("left"));
    unlock(held.getKey());
  }

  @Test
  void aLeaseThatIsGoneHoldsAndWaitsForNothing() {
    long holder = lease();
    var unused = locks().lock(lock("gone", holder));
    long lost = lease();
    var waiting = lockLater("gone", lost);
    awaitWaiting("gone", 2);
    leases.revoke(lost);
    leases.revoke(holder);
    assertUnknown("mutex: session is expired", failure(waiting));
    assertEquals(List.of(), keys("gone"));
    assertUnknown(
        "etcdserver: requested lease not found",
        assertThrows(StatusRuntimeException.class, () -> locks().lock(lock("gone", 12345))));
  }

  @Test
  void withoutALeaseTheServerGrantsOneOfAMinute() {
    var held = locks().lock(lock("own", 0));
    var name = held.getKey().toStringUtf8();
    long id = Long.parseLong(name.substring(name.indexOf('/') + 1), 16);
    assertEquals(60, leases.timeToLive(id, false).getGrantedTTL());
    leases.revoke(id);
    assertEquals(List.of(), keys("own"));
  }

  /** A program that runs beside, and what it has printed. */
  private final class Tool implements AutoCloseable {
    private final Process process;
    private final Path out = Files.createTempFile(directory, "tool", ".out");

    Tool(String... arguments) throws IOException {
      var command =
          new ArrayList<>(List.of(Binaries.etcdctl().toString(), "--endpoints", server.address()));
      command.addAll(List.of(arguments));
      var builder = new ProcessBuilder(command).redirectErrorStream(true);
      process = builder.redirectOutput(out.toFile()).start();
    }

    List<String> lines() throws IOException {
      return Files.readAllLines(out);
    }

    /** As by Ctrl-C; it gives back what it holds. */
    void interrupt() throws Exception {
      assertEquals(
          0, new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor());
      assertTrue(process.waitFor(20, TimeUnit.SECONDS));
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }

  @Test
  void etcdctlStandsInTheSameQueue() throws Exception {
    var held = locks().lock(lock("tool", lease()));
    try (var tool = new Tool("lock", "tool")) {
      awaitWaiting("tool", 2);
      var behind = lockLater("tool", lease());
      awaitWaiting("tool", 3);
      assertEquals(List.of(), tool.lines());
      unlock(held.getKey());
      Await.until("etcdctl has the lock", LIMIT, () -> !tool.lines().isEmpty());
      assertEquals(keys("tool").getFirst(), tool.lines().getFirst());
      assertFalse(behind.isDone());
      tool.interrupt();
      unlock(behind.get(20, TimeUnit.SECONDS).getKey());
    }
    try (var tool = new Tool("lock", "tool", "echo", "held")) {
      assertTrue(tool.process.waitFor(20, TimeUnit.SECONDS));
      assertEquals(List.of("held"), tool.lines());
    }
  }

  @Test
  void jetcdLocks() throws Exception {
    try (var client = Client.builder().endpoints(server.clientUrl()).build()) {
      var name = ByteSequence.from(bytes("jetcd"));
      var locks = client.getLockClient();
      var held = locks.lock(name, lease()).get(10, TimeUnit.SECONDS);
      var waiting = locks.lock(name, lease());
      awaitWaiting("jetcd", 2);
      assertFalse(waiting.isDone());
      locks.unlock(held.getKey()).get(10, TimeUnit.SECONDS);
      locks.unlock(waiting.get(10, TimeUnit.SECONDS).getKey()).get(10, TimeUnit.SECONDS);
    }
  }

  private static CampaignRequest campaign(String name, long lease, String value) {
    return CampaignRequest.newBuilder()
        .setName(bytes(name))
        .setLease(lease)
        .setValue(bytes(value))
        .build();
  }

  private static LeaderRequest leaderOf(String name) {
    return LeaderRequest.newBuilder().setName(bytes(name)).build();
  }

  @Test
  void anElectionHasOneLeaderAfterTheOther() throws Exception {
    var seen = observe("race");
    assertUnknown(
        "election: no leader",
        assertThrows(StatusRuntimeException.class, () -> elections().leader(leaderOf("race"))));
    long first = lease();
    CampaignResponse won = elections().campaign(campaign("race", first, "a"));
    assertEquals("race/" + Long.toHexString(first), won.getLeader().getKey().toStringUtf8());
    assertEquals(first, won.getLeader().getLease());
    assertEquals(won.getHeader().getRevision(), won.getLeader().getRev());
    var again = elections().campaign(campaign("race", first, "b"));
    assertEquals(won.getLeader(), again.getLeader());
    var behind =
        ElectionGrpc.newFutureStub(connection.channel()).campaign(campaign("race", lease(), "c"));
    awaitWaiting("race", 2);
    assertEquals("b", elections().leader(leaderOf("race")).getKv().getValue().toStringUtf8());
    var proclaim =
        ProclaimRequest.newBuilder().setLeader(won.getLeader()).setValue(bytes("d")).build();
    var unused = elections().proclaim(proclaim);
    assertFalse(behind.isDone());
    var resign = ResignRequest.newBuilder().setLeader(won.getLeader()).build();
    var resigned = elections().resign(resign);
    assertTrue(resigned.getHeader().getRevision() > won.getHeader().getRevision());
    var next = behind.get(20, TimeUnit.SECONDS);
    Await.until("all is observed", LIMIT, () -> seen.contains("c"));
    assertEquals(List.of("a", "b", "d", "c"), List.copyOf(seen));
    assertUnknown(
        "election: not leader",
        assertThrows(StatusRuntimeException.class, () -> elections().proclaim(proclaim)));
    unused = elections().proclaim(proclaim.toBuilder().setLeader(next.getLeader()).build());
    var ignored = elections().resign(resign);
    assertTrue(ignored.hasHeader());
  }

  private static List<String> observe(String name) {
    var seen = new CopyOnWriteArrayList<String>();
    ElectionGrpc.newStub(connection.channel())
        .observe(
            leaderOf(name),
            new StreamObserver<LeaderResponse>() {
              @Override
              public void onNext(LeaderResponse response) {
                seen.add(response.getKv().getValue().toStringUtf8());
              }

              @Override
              public void onError(Throwable failure) {}

              @Override
              public void onCompleted() {}
            });
    return seen;
  }

  @Test
  void aCallWithoutItsLeaderIsRefused() {
    assertUnknown(
        "\"leader\" field must be provided",
        assertThrows(
            StatusRuntimeException.class,
            () -> elections().proclaim(ProclaimRequest.getDefaultInstance())));
    assertUnknown(
        "\"leader\" field must be provided",
        assertThrows(
            StatusRuntimeException.class,
            () -> elections().resign(ResignRequest.getDefaultInstance())));
  }

  @Test
  void whoWithdrawsItsCandidacyLeavesTheQueue() throws Exception {
    var won = elections().campaign(campaign("few", lease(), "a"));
    var cancelled =
        ElectionGrpc.newFutureStub(connection.channel()).campaign(campaign("few", lease(), "b"));
    awaitWaiting("few", 2);
    cancelled.cancel(true);
    awaitWaiting("few", 1);
    assertEquals(List.of(won.getLeader().getKey().toStringUtf8()), keys("few"));
  }

  @Test
  void etcdctlStandsForTheSameElection() throws Exception {
    try (var listener = new Tool("elect", "-l", "vote");
        var tool = new Tool("elect", "vote", "tool")) {
      Await.until("etcdctl leads", LIMIT, () -> tool.lines().contains("tool"));
      assertEquals("tool", elections().leader(leaderOf("vote")).getKv().getValue().toStringUtf8());
      var behind =
          ElectionGrpc.newFutureStub(connection.channel()).campaign(campaign("vote", lease(), "x"));
      awaitWaiting("vote", 2);
      assertFalse(behind.isDone());
      tool.interrupt();
      var won = behind.get(20, TimeUnit.SECONDS);
      Await.until("the listener hears", LIMIT, () -> listener.lines().contains("x"));
      // The key is all there is: without it nobody leads.
      var delete = DeleteRangeRequest.newBuilder().setKey(won.getLeader().getKey()).build();
      assertEquals(1, connection.kv().deleteRange(delete).getDeleted());
    }
  }
}
