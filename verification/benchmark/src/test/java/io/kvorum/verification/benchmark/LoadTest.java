package io.kvorum.verification.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.RangeRequest;
import io.kvorum.verification.benchmark.wire.UnaryLoad;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The load generator against a real etcd: what it says it did is what the server has seen. */
class LoadTest {
  @SuppressWarnings("NullAway.Init")
  private static ServerProcess etcd;

  @BeforeAll
  static void start() {
    etcd = ServerProcess.start(Binaries.etcd());
  }

  @AfterAll
  static void stop() {
    etcd.close();
  }

  @Test
  void everyPutThatIsCountedHappened() {
    long before = revision();
    try (var load = Workload.PUT.connect(address(), 1)) {
      var first = load.run(3000);
      var second = load.run(Duration.ofMillis(500));
      assertEquals(3000, first.answers());
      assertTrue(first.failures().isEmpty() && second.failures().isEmpty());
      assertEquals(before + first.answers() + second.answers(), revision());
    }
  }

  @Test
  void valuesAndKeysHaveTheirSizes() {
    try (var load = Workload.PUT_LONE.connect(address(), 1)) {
      assertEquals(1, load.run(1).answers());
    }
    try (var connection = Connection.to(etcd.address())) {
      var all =
          RangeRequest.newBuilder()
              .setKey(ByteString.copyFrom(new byte[1]))
              .setRangeEnd(ByteString.copyFrom(new byte[1]))
              .setLimit(1);
      var kv = connection.kv().range(all.build()).getKvs(0);
      assertTrue(kv.getKey().toStringUtf8().matches("[0-9]{8}"), kv::toString);
      assertEquals(256, kv.getValue().size());
    }
  }

  @Test
  void rangesOfManyClientsAreAnswered() {
    for (var workload : new Workload[] {Workload.RANGE_LINEARIZABLE, Workload.RANGE_SERIALIZABLE})
      try (var load = workload.connect(address(), 1)) {
        assertEquals(5000, load.run(5000).answers());
      }
  }

  @Test
  void txnsAndLargeRangesAreAnswered() {
    try (var fill = Workload.fill(address(), 1_000, 1024)) {
      var filled = fill.run(Workload.fillRequests(1_000, 1024));
      assertEquals("{}", filled.failures().toString());
    }
    assertEquals(1_000, keysUpTo("00001000"));
    for (var workload : new Workload[] {Workload.TXN_PUT, Workload.TXN_MIXED, Workload.RANGE_MANY})
      try (var load = workload.connect(address(), 1)) {
        var result = load.run(2_000);
        assertEquals("{}", result.failures().toString());
        assertEquals(2_000, result.answers());
      }
  }

  /** At a fixed rate, whatever the answers take: no more are sent, and no fewer. */
  @Test
  void aFixedRateIsKept() {
    try (var load = Workload.PUT.connect(address(), 1)) {
      var asked = new int[1];
      var result = load.run(500, Duration.ofSeconds(2), () -> asked[0]++ >= 0);
      assertTrue(Math.abs(result.answers() - 1_000) < 20, result.answers() + " answers");
      assertTrue(asked[0] > 0);
      var shorter = load.run(500, Duration.ofMinutes(1), () -> asked[0]++ < 0);
      assertEquals(0, shorter.answers());
    }
  }

  private static long keysUpTo(String end) {
    try (var connection = Connection.to(etcd.address())) {
      var range =
          RangeRequest.newBuilder()
              .setKey(ByteString.copyFromUtf8("0"))
              .setRangeEnd(ByteString.copyFromUtf8(end))
              .setCountOnly(true);
      return connection.kv().range(range.build()).getCount();
    }
  }

  @Test
  void refusalsAreCountedByTheirText() {
    try (var load = new UnaryLoad(address(), "etcdserverpb.KV/Put", 2, 4, out -> {})) {
      var result = load.run(40);
      assertEquals(0, result.answers());
      assertEquals("{3 etcdserver: key is not provided=40}", result.failures().toString());
    }
  }

  private static long revision() {
    try (var connection = Connection.to(etcd.address())) {
      var any = RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8("x")).build();
      return connection.kv().range(any).getHeader().getRevision();
    }
  }

  private static InetSocketAddress address() {
    return new InetSocketAddress("127.0.0.1", etcd.clientPort());
  }
}
