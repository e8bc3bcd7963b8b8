package io.kvorum.actors.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.protocol.etcdserverpb.WatchResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What many clients that do not read are given together. */
class WatchMemoryTest {
  private static final int CLIENTS = 50;
  private static final int REVISIONS = 1000;
  private static final int VALUE_BYTES = 1024;
  private static final int STREAMS_BYTES = 256 << 10;
  private static final int PORTION_BYTES = 128 << 10;

  /** Nobody runs into the bound of one stream alone. */
  private static final WatchHub.Settings SETTINGS =
      new WatchHub.Settings(
          16,
          16 << 10,
          1L << 30,
          STREAMS_BYTES,
          4,
          32 << 10,
          1000,
          PORTION_BYTES,
          10_000,
          8 << 20,
          2 << 20,
          1 << 30,
          Duration.ofMinutes(10));

  private final VirtualWatches watches = new VirtualWatches(SETTINGS, new SplittableRandom(1));

  @Test
  void theirLiveResponsesAreBoundedTogether() {
    var clients = clients(0);
    write();
    long held = 0;
    for (var client : clients) {
      held += bytes(client.take());
    }
    // Each may be given what it takes at once; beyond that there is nothing left for the last ones.
    assertTrue(held <= STREAMS_BYTES + CLIENTS * (PORTION_BYTES / 4), held + " bytes");
    readOn(clients);
  }

  @Test
  void whatTheyGetOfThePastIsBoundedTogether() {
    write();
    var clients = clients(2);
    long held = 0;
    for (var client : clients) {
      held += bytes(next(client));
    }
    assertTrue(held > PORTION_BYTES, held + " bytes");
    assertTrue(held < STREAMS_BYTES + PORTION_BYTES + CLIENTS * (10 << 10), held + " bytes");
    readOn(clients);
  }

  /** Its client may read or not: all that there is of it is a place in a cohort. */
  @Test
  void aWatcherThatLagsCostsAFewHundredBytes() {
    int watchers = 100_000;
    write();
    watches.refuseReads();
    var client = watches.client();
    long before = usedBytes();
    for (int i = 0; i < watchers; i++) {
      // Anywhere in the past that the ring has left, each on a key of its own.
      long start = 2 + i % (REVISIONS / 2);
      client.send(WatchFixture.create("key-" + i, b -> b.setStartRevision(start)));
      work();
      var answers = client.take();
      assertEquals(1, answers.size());
      assertTrue(answers.getFirst().getCreated());
    }
    long each = (usedBytes() - before) / watchers;
    assertTrue(each < 400, each + " bytes for each watcher");
    client.close();
  }

  private static long usedBytes() {
    System.gc();
    var runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  private List<VirtualWatches.Client> clients(long start) {
    var clients = new ArrayList<VirtualWatches.Client>();
    for (int i = 0; i < CLIENTS; i++) {
      var client = watches.client();
      clients.add(client);
      client.send(WatchFixture.create("a", b -> b.setStartRevision(start)));
      work();
      assertTrue(client.take().getFirst().getCreated());
    }
    return clients;
  }

  private void write() {
    for (int i = 0; i < REVISIONS; i++) {
      watches.publisher.publish(
          watches.store.commit(new FakeStore.Op("a", "x".repeat(VALUE_BYTES))));
    }
    work();
  }

  private void work() {
    while (watches.work()) {
      // until all is said
    }
  }

  /** What comes next, after reads of history if need be. */
  private List<WatchResponse> next(VirtualWatches.Client client) {
    var taken = client.take();
    if (taken.isEmpty()) {
      work();
      taken = client.take();
    }
    return taken;
  }

  /** Nobody has lost anything by it, and all is given back. */
  private void readOn(List<VirtualWatches.Client> clients) {
    for (var client : clients) {
      long last = 0;
      while (last < REVISIONS + 1) {
        for (var response : next(client)) {
          for (var event : response.getEventsList()) {
            last = event.getKv().getModRevision();
          }
        }
      }
      client.close();
      work();
    }
    assertEquals(0, watches.heldBytes());
  }

  private static long bytes(List<WatchResponse> responses) {
    return responses.stream().mapToLong(WatchResponse::getSerializedSize).sum();
  }
}
