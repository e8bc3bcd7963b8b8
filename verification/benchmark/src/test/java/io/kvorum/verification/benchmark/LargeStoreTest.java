package io.kvorum.verification.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.verification.benchmark.wire.UnaryLoad;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * More keys than the heap could hold an index of, in seconds; `verification/large` is the same for
 * a day's work.
 */
class LargeStoreTest {
  private static final int KEYS = 500_000;

  /** Of which the young generation has 72: an index of all keys would take more than the rest. */
  private static final String HEAP = "-Xmx128m";

  /** A start on the data may take so many times one on none, on a machine that may be busy. */
  private static final int READY_TIMES = 5;

  @TempDir Path directory;

  @Test
  void aHeapSmallerThanAnIndexServesItAndAKillLosesNothing() {
    var settings =
        ServerProcess.Settings.plain()
            .dataIn(directory.resolve("data"))
            .flags("--snapshot-count", "500", "--snapshot-catchup-entries", "100")
            .with("KVORUM_JAVA_OPTIONS", HEAP);
    try (var server = new Contender("kvorum", Binaries.kvorum(), settings)) {
      var first = server.start();
      fill(server);
      var crash = new LargeCrash(KEYS, 1);
      int acknowledged = crash.putAndKill(server, Duration.ofSeconds(2));
      assertTrue(acknowledged > 0, "no put was acknowledged");
      var again = server.start();
      server.putOne();
      assertTrue(
          again.compareTo(first.multipliedBy(READY_TIMES)) < 0,
          "ready after " + again + ", when empty after " + first);
      crash.checkAcknowledged(server);
      LargeCrash.checkAll(server, KEYS);
      LargeCrash.checkSample(server, KEYS, 100, 1);
    }
  }

  private static void fill(Contender server) {
    var messages = LargeKeys.fill(KEYS, 0, true, 0);
    try (var load = new UnaryLoad(server.address(), "etcdserverpb.KV/Txn", 2, 8, messages)) {
      long txns = Math.ceilDiv(KEYS, LargeKeys.PUTS_PER_TXN);
      assertEquals(txns, load.run(txns).answers());
    }
  }

  @Test
  void theShuffledOrderHoldsEachNumberOnce() {
    for (int n : new int[] {2, 1000, 1024, 300_000}) {
      var order = new LargeKeys.Shuffled(n, n);
      var seen = new BitSet(n);
      for (int i = 0; i < n; i++) seen.set(order.at(i));
      assertEquals(n, seen.cardinality());
      assertEquals(n, seen.length());
    }
  }

  @Test
  void aValueOfAnotherKeyIsNotTaken() {
    var value = LargeKeys.value(7, 3);
    assertEquals(3L, LargeKeys.tag(7, value));
    assertEquals(null, LargeKeys.tag(8, value));
    ByteBuffer.wrap(value).put(40, (byte) (value[40] + 1));
    assertEquals(null, LargeKeys.tag(7, value));
  }
}
