package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.api.Compare;
import io.etcd.jetcd.api.DeleteRangeRequest;
import io.etcd.jetcd.api.Event;
import io.etcd.jetcd.api.PutRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.etcd.jetcd.api.RequestOp;
import io.etcd.jetcd.api.TxnRequest;
import io.etcd.jetcd.api.WatchCreateRequest;
import io.etcd.jetcd.api.WatchRequest;
import io.etcd.jetcd.api.WatchResponse;
import io.etcd.jetcd.support.Observers;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Command;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.MachineTime;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import io.kvorum.verification.conformance.lease.LeaseCalls;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * The lease service beside a real etcd's: the same calls, the same answers, times within a second.
 */
@TestMethodOrder(MethodOrderer.MethodName.class) // revisions are part of what is compared
class LeaseTest {
  private static final String SEED = "kvorum.lease.seed";
  private static final int STEPS = Integer.getInteger("kvorum.lease.steps", 600);
  private static final long MOST_TTL = 9_000_000_000L;
  private static final int LEASE_TARGET = 4;
  private static final Duration LIMIT = Duration.ofSeconds(20);

  @SuppressWarnings("NullAway.Init")
  private static Server etcd;

  @SuppressWarnings("NullAway.Init")
  private static Server kvorum;

  private record Server(ServerProcess process, Connection connection, LeaseCalls leases)
      implements AutoCloseable {
    static Server start(java.nio.file.Path binary) {
      var process = ServerProcess.start(binary, Settings.plain());
      var connection = Connection.to(process.address());
      return new Server(process, connection, new LeaseCalls(connection.channel()));
    }

    @Override
    public void close() {
      connection.close();
      process.close();
    }
  }

  @BeforeAll
  static void start() {
    etcd = Server.start(Binaries.etcd());
    kvorum = Server.start(Binaries.kvorum());
  }

  @AfterAll
  static void stop() {
    etcd.close();
    kvorum.close();
  }

  /** Those whose ids the servers chose differ, and short ones end when each server likes. */
  @BeforeEach
  void revokeAll() {
    for (var server : List.of(etcd, kvorum))
      for (long id : server.leases().leases())
        answer(server, each -> said(each.leases().revoke(id)));
  }

  private static ByteString bytes(String text) {
    return ByteString.copyFromUtf8(text);
  }

  /** What a server says; times may differ by a second. */
  private record Said(String text, List<Long> seconds) {
    boolean isLike(Said other) {
      if (!text.equals(other.text) || seconds.size() != other.seconds.size()) return false;
      for (int i = 0; i < seconds.size(); i++)
        if (Math.abs(seconds.get(i) - other.seconds.get(i)) > 1) return false;
      return true;
    }
  }

  private static Said said(Object what, long... seconds) {
    var all = new ArrayList<Long>();
    for (long second : seconds) all.add(second);
    return new Said(String.valueOf(what), all);
  }

  private static void same(String call, Function<Server, Said> ask) {
    var expected = answer(etcd, ask);
    var actual = answer(kvorum, ask);
    assertTrue(actual.isLike(expected), () -> call + ": " + actual + " in place of " + expected);
  }

  private static Said answer(Server server, Function<Server, Said> ask) {
    try {
      return ask.apply(server);
    } catch (StatusRuntimeException refused) {
      return said(refused.getStatus().getCode() + " " + refused.getStatus().getDescription());
    }
  }

  private static void grant(long id, long ttl) {
    same(
        "grant %d for %d s".formatted(id, ttl),
        server -> {
          var granted = server.leases().grant(id, ttl);
          return said(
              granted.getHeader().getRevision()
                  + " "
                  + (id == 0 ? "chosen " + (granted.getID() > 0) : granted.getID())
                  + " "
                  + granted.getTTL()
                  + granted.getError());
        });
  }

  private static void revoke(long id) {
    same("revoke " + id, server -> said(server.leases().revoke(id).getHeader().getRevision()));
  }

  private static void timeToLive(long id) {
    same(
        "time to live of " + id,
        server -> {
          var left = server.leases().timeToLive(id, true);
          var keys = left.getKeysList().stream().map(ByteString::toStringUtf8).sorted().toList();
          return said(
              left.getHeader().getRevision()
                  + " "
                  + left.getID()
                  + " of "
                  + left.getGrantedTTL()
                  + " "
                  + keys,
              left.getTTL());
        });
  }

  private static void keepAlive(Long... ids) {
    same(
        "keep " + List.of(ids) + " alive",
        server ->
            said(
                server.leases().keepAlive(List.of(ids)).stream()
                    .map(each -> each.getID() + " for " + each.getTTL())
                    .toList()));
  }

  private static void leases() {
    same("leases", server -> said(server.leases().leases().stream().sorted().toList()));
  }

  @Test
  void limitsAndChosenIds() {
    grant(0, 60);
    for (long ttl : new long[] {-5, 0, 1, 2, 3, MOST_TTL}) grant(1000 + ttl, ttl);
    grant(7, MOST_TTL + 1);
    grant(7, Long.MAX_VALUE);
    grant(-7, 100);
    grant(-7, 100);
    grant(Long.MIN_VALUE, 100);
    timeToLive(-7);
    timeToLive(Long.MIN_VALUE);
    timeToLive(1000 + MOST_TTL);
    keepAlive(-7L, 12345L, -7L, Long.MIN_VALUE);
    keepAlive();
    revoke(-7);
    revoke(-7);
    revoke(0);
    timeToLive(-7);
    timeToLive(0);
  }

  @Test
  void randomCallsAreAnsweredAlike() {
    long seed = Long.getLong(SEED, System.nanoTime());
    var random = new Random(seed);
    try {
      for (int step = 0; step < STEPS; step++) randomCall(random);
    } catch (AssertionError wrong) {
      throw new AssertionError("replay with -D" + SEED + "=" + seed, wrong);
    }
  }

  private static void randomCall(Random random) {
    long id = random.nextInt(8) - 2L;
    var key = bytes("k" + random.nextInt(8));
    switch (random.nextInt(12)) {
      case 0, 1, 2 -> {
        if (id != 0) grant(id, 1000 + random.nextInt(2000));
      }
      case 3 -> revoke(id);
      case 4 -> timeToLive(id);
      case 5 -> keepAlive(id, id + 1);
      case 6 -> leases();
      case 7 ->
          same(
              "delete",
              server -> {
                var delete =
                    DeleteRangeRequest.newBuilder().setKey(key).setRangeEnd(bytes("k4")).build();
                return said(server.connection().kv().deleteRange(delete).getDeleted());
              });
      case 8 -> randomTxn(random, id, key);
      default -> {
        var put =
            PutRequest.newBuilder()
                .setKey(key)
                .setLease(id)
                .setValue(bytes("v"))
                .setPrevKv(random.nextBoolean());
        if (random.nextInt(6) == 0) put.setLease(0).setIgnoreLease(true);
        same("put " + put, server -> said(withoutIds(server.connection().kv().put(put.build()))));
      }
    }
    same("range", server -> said(withoutIds(server.connection().kv().range(everything()))));
  }

  private static void randomTxn(Random random, long id, ByteString key) {
    var txn =
        TxnRequest.newBuilder()
            .addCompare(
                Compare.newBuilder()
                    .setKey(key)
                    .setTargetValue(LEASE_TARGET)
                    .setUnknownFields(lease(id))
                    .setResult(
                        random.nextBoolean()
                            ? Compare.CompareResult.EQUAL
                            : Compare.CompareResult.GREATER))
            .addSuccess(
                RequestOp.newBuilder()
                    .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(key)))
            .addFailure(
                RequestOp.newBuilder()
                    .setRequestPut(PutRequest.newBuilder().setKey(key).setLease(id)))
            .addFailure(
                RequestOp.newBuilder()
                    .setRequestPut(PutRequest.newBuilder().setKey(bytes("other")).setLease(id + 1)))
            .build();
    same("txn " + txn, server -> said(withoutIds(server.connection().kv().txn(txn))));
  }

  /** jetcd's message does not know the field yet. */
  private static UnknownFieldSet lease(long id) {
    var field = UnknownFieldSet.Field.newBuilder().addVarint(id).build();
    return UnknownFieldSet.newBuilder().addField(8, field).build();
  }

  private static RangeRequest everything() {
    return RangeRequest.newBuilder()
        .setKey(ByteString.copyFrom(new byte[1]))
        .setRangeEnd(ByteString.copyFrom(new byte[1]))
        .build();
  }

  private static String withoutIds(com.google.protobuf.Message response) {
    return response
        .toString()
        .lines()
        .filter(line -> !line.matches("\\s*(cluster_id|member_id|raft_term):.*"))
        .toList()
        .toString();
  }

  @Test
  void aLeaseThatEndsTakesItsKeysUnderOneRevision() {
    var events = watch(kvorum, "end/");
    for (var server : List.of(etcd, kvorum)) {
      assertEquals(3, server.leases().grant(50, 3).getTTL());
      for (var key : List.of("c", "a", "b"))
        server
            .connection()
            .kv()
            .put(PutRequest.newBuilder().setKey(bytes("end/" + key)).setLease(50).build());
    }
    long granted = MachineTime.nanos();
    Await.until("the keys go", LIMIT, () -> events.size() == 6);
    double seconds = (MachineTime.nanos() - granted) / 1e9;
    assertTrue(seconds > 2.5 && seconds < 6, () -> "it ended after " + seconds + " s");
    Await.until("etcd's keys go", LIMIT, () -> !etcd.leases().leases().contains(50L));
    var deletes = events.subList(3, 6);
    assertEquals(
        List.of("end/a", "end/b", "end/c"),
        deletes.stream().map(event -> event.getKv().getKey().toStringUtf8()).toList());
    assertTrue(deletes.stream().allMatch(event -> event.getType() == Event.EventType.DELETE));
    assertEquals(
        1, deletes.stream().map(event -> event.getKv().getModRevision()).distinct().count());
    same("range", server -> said(withoutIds(server.connection().kv().range(everything()))));
    keepAlive(50L);
    revoke(50);
  }

  private static List<Event> watch(Server server, String prefix) {
    var events = new CopyOnWriteArrayList<Event>();
    var create =
        WatchCreateRequest.newBuilder()
            .setKey(bytes(prefix))
            .setRangeEnd(bytes(prefix.substring(0, prefix.length() - 1) + "0"));
    server
        .connection()
        .watch()
        .watch(
            new StreamObserver<WatchResponse>() {
              @Override
              public void onNext(WatchResponse response) {
                events.addAll(response.getEventsList());
              }

              @Override
              public void onError(Throwable failure) {}

              @Override
              public void onCompleted() {}
            })
        .onNext(WatchRequest.newBuilder().setCreateRequest(create).build());
    return events;
  }

  @Test
  void etcdctlShowsThemAlike() {
    ctl("lease", "grant", "1");
    ctl("lease", "grant", "500");
    ctl("lease", "grant", "9000000001");
    ctl("lease", "timetolive", "7b");
    ctl("lease", "revoke", "7b");
    ctl("lease", "keep-alive", "--once", "7b");
    for (var server : List.of(etcd, kvorum)) server.leases().grant(0x7b, 100);
    ctl("put", "held", "x", "--lease=7b");
    ctl("lease", "timetolive", "7b", "--keys");
    ctl("lease", "keep-alive", "--once", "7b");
    ctl("get", "held", "-w", "fields");
    ctl("lease", "revoke", "7b");
    ctl("get", "held");
    ctl("lease", "timetolive", "7b", "--keys");
  }

  private static void ctl(String... arguments) {
    same(
        String.join(" ", arguments),
        server -> {
          var command = new ArrayList<>(List.of(Binaries.etcdctl().toString()));
          command.addAll(List.of("--endpoints", server.process().address()));
          command.addAll(List.of(arguments));
          var result = Command.run(LIMIT, Map.of(), "", command);
          return said(
              (result.exitCode() + " " + result.out() + result.err())
                  .replaceAll("lease [0-9a-f]{16} granted with TTL\\((\\d+)s\\)\n", "lease $1\n")
                  .replaceAll("remaining\\(\\d+s\\)", "remaining")
                  .replaceAll("\"(ClusterID|MemberID|RaftTerm)\" : \\d+", "")
                  .replaceAll("\\{\"level.*\n", ""));
        });
  }

  @Test
  void jetcdKeepsALeaseAlive() throws Exception {
    try (var client = Client.builder().endpoints(kvorum.process().clientUrl()).build()) {
      var lease = client.getLeaseClient();
      long id = lease.grant(2).get(10, TimeUnit.SECONDS).getID();
      var renewed = new CopyOnWriteArrayList<Long>();
      try (var keeping =
          lease.keepAlive(id, Observers.observer(response -> renewed.add(response.getTTL())))) {
        Await.until("it is renewed for long", LIMIT, () -> renewed.size() >= 5);
      }
      assertTrue(renewed.stream().allMatch(ttl -> ttl == 2));
      assertEquals(2, lease.keepAliveOnce(id).get(10, TimeUnit.SECONDS).getTTL());
      lease.revoke(id).get(10, TimeUnit.SECONDS);
    }
  }
}
