package io.kvorum.actors.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Watchers of one stream, one of which never lets it come to rest. */
class WatchFairnessTest {
  private static final int OLD_EVENTS = 200;
  private static final int PORTION_REVISIONS = 10;
  private static final int VALUE_BYTES = 1024;

  /** Ids are given in order; the first is that of the hot key. */
  private static final int OLD = 1;

  private static final WatchHub.Settings SETTINGS =
      new WatchHub.Settings(
          32,
          1 << 20,
          64 << 20,
          64 << 20,
          4,
          VALUE_BYTES,
          PORTION_REVISIONS,
          128 << 10,
          1000,
          8 << 20,
          2 << 20,
          1 << 30,
          Duration.ofMinutes(10));

  private static final int BACKLOG = 50;
  private static final int PORTIONS = OLD_EVENTS / PORTION_REVISIONS;

  private final VirtualWatches watches = new VirtualWatches(SETTINGS, new SplittableRandom(1));

  @Test
  void whoLagsReadsOnWhileLiveEventsNeverCease() {
    for (int i = 0; i < OLD_EVENTS; i++) {
      put("old", "");
    }
    var client = watches.client();
    watch(client, "hot", 0);
    for (int i = 0; i < BACKLOG; i++) {
      putHot();
    }
    watch(client, "old", 2);
    long old = 1;
    long hot = OLD_EVENTS + 1;
    for (int takes = 0; old <= OLD_EVENTS; takes++) {
      // A portion waits behind what came before it.
      assertTrue(takes < 2 * PORTIONS * BACKLOG, "at " + old + " after " + takes);
      // As much as the client takes at once.
      putHot();
      for (var response : client.take()) {
        for (var event : response.getEventsList()) {
          long revision = event.getKv().getModRevision();
          if (response.getWatchId() == OLD) {
            assertEquals(++old, revision);
          } else {
            assertEquals(++hot, revision);
          }
        }
      }
      work();
    }
    assertTrue(watches.heldBytes() >= BACKLOG / 2 * VALUE_BYTES, "live events wait all the time");
    client.close();
  }

  private void watch(VirtualWatches.Client client, String key, long start) {
    client.send(WatchFixture.create(key, b -> b.setStartRevision(start)));
    work();
  }

  private void putHot() {
    put("hot", "x".repeat(VALUE_BYTES));
  }

  private void put(String key, String value) {
    watches.publisher.publish(watches.store.commit(new FakeStore.Op(key, value)));
    work();
  }

  private void work() {
    while (watches.work()) {
      // until all is said
    }
  }
}
