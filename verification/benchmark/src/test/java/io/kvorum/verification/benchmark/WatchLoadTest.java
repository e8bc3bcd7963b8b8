package io.kvorum.verification.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.verification.benchmark.wire.WatchLoad;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The watching load generator against a real etcd: it counts each event once. */
class WatchLoadTest {

  @Test
  void everyWatcherOfAKeySeesEveryPutOfIt() {
    try (var etcd = ServerProcess.start(Binaries.etcd());
        var load =
            new WatchLoad(
                new InetSocketAddress("127.0.0.1", etcd.clientPort()),
                new WatchLoad.Shape(2, 3, 50, 20))) {
      load.watch();
      var paced = load.paced(500, Duration.ofSeconds(1));
      assertEquals(500, paced.putNanos().getTotalCount());
      assertEquals(500 * 15, paced.eventNanos().getTotalCount());
      assertTrue(paced.eventNanos().getMinValue() > 0);
      var together = load.together(1000);
      assertEquals(1000 * 15, together.eventNanos().getTotalCount());
    }
  }

  @Test
  void whatIsNotReadComesLater() {
    try (var etcd = ServerProcess.start(Binaries.etcd());
        var load =
            new WatchLoad(
                new InetSocketAddress("127.0.0.1", etcd.clientPort()),
                new WatchLoad.Shape(1, 2, 5, 10))) {
      load.watch();
      load.setReading(false);
      assertEquals(2000, load.putsOnly(2000).putNanos().getTotalCount());
      assertEquals(0, load.events());
      load.setReading(true);
      var unused = load.awaitEvents(2000);
      assertEquals(2000, load.events());
    }
  }
}
