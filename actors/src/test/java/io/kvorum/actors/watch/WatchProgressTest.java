package io.kvorum.actors.watch;

import static io.kvorum.actors.watch.WatchFixture.SETTINGS;
import static io.kvorum.actors.watch.WatchFixture.TIGHT;
import static io.kvorum.actors.watch.WatchFixture.create;
import static io.kvorum.actors.watch.WatchFixture.progress;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.protocol.etcdserverpb.WatchResponse;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Progress: by request for all watchers of a stream, and by interval for each that asked. */
class WatchProgressTest {
  private WatchFixture watch = new WatchFixture(SETTINGS);
  private WatchFixture.Client client = watch.client();

  @AfterEach
  void close() {
    client.close();
    watch.close();
  }

  private void with(WatchHub.Settings settings) {
    close();
    watch = new WatchFixture(settings);
    client = watch.client();
  }

  private static void assertProgress(long id, long revision, WatchResponse response) {
    assertEquals(id, response.getWatchId());
    assertEquals(revision, response.getHeader().getRevision());
    assertEquals(0, response.getEventsCount());
    assertFalse(response.getCreated() || response.getCanceled());
  }

  @Test
  void oneAnswerForAllWatchersOfAStream() {
    client.created(create("a", ""));
    client.created(create("b", ""));
    watch.put("x", "1");
    client.send(progress());
    assertProgress(-1, 2, client.next());
    client.send(progress(), progress());
    assertProgress(-1, 2, client.next());
    assertProgress(-1, 2, client.next());
  }

  @Test
  void nothingWithoutWatchers() {
    client.send(progress());
    assertEquals(List.of(), client.untilRefusal());
  }

  @Test
  void eventsUpToTheRevisionComeFirst() {
    client.created(create("a", ""));
    for (int i = 0; i < 100; i++) {
      watch.put("a", "" + i);
      client.send(progress());
    }
    long seen = 1;
    for (int i = 0; i < 100; ) {
      var response = client.next();
      if (response.getWatchId() == -1) {
        i++;
        assertTrue(response.getHeader().getRevision() <= seen, response + " after " + seen);
      } else {
        seen = response.getEvents(0).getKv().getModRevision();
      }
    }
  }

  /** The answer to a write may overtake the news of it on its way to the hub. */
  @Test
  void theAnswerCoversWhatWasCommittedWhenItWasAskedFor() {
    client.created(create("a", ""));
    var committed = watch.store.commit(new FakeStore.Op("a", "1"));
    client.send(progress());
    assertEquals(List.of(), client.untilRefusal());
    watch.hub.tell(new WatchHub.Publish(committed));
    assertEquals(1, client.next().getEventsCount());
    assertProgress(-1, 2, client.next());
  }

  @Test
  void nothingWhileAWatcherLagsOrHasNotBegun() {
    with(TIGHT);
    client.created(create("a", b -> b.setStartRevision(5)));
    client.send(progress());
    assertEquals(List.of(), client.untilRefusal());
    watch.put("x", "2");
    watch.put("x", "3");
    watch.put("x", "4");
    client.send(progress());
    assertEquals(List.of(), client.untilRefusal());
    watch.put("x", "5");
    client.send(progress());
    assertProgress(-1, 5, client.next());
    // More than its credit: it lags until the client has taken what there is.
    for (int i = 0; i < 30; i++) {
      watch.put("a", "" + i);
    }
    WatchFixture.await(
        "the watcher lags", () -> watch.metric("etcd_debugging_mvcc_slow_watcher_total") == 1);
    client.send(progress());
    var before = client.untilRefusal();
    assertTrue(before.stream().noneMatch(r -> r.getWatchId() == -1));
  }

  @Test
  void theIntervalIsForThoseWhoAskedAndHadNoEvents() {
    with(SETTINGS.with(1 << 20, Duration.ofMillis(1)));
    assertEquals(Duration.ofMillis(100), watch.settings.progressInterval());
    watch.put("x", "1");
    client.created(create("a", ""));
    client.created(create("b", b -> b.setProgressNotify(true)));
    client.created(create("c", b -> b.setProgressNotify(true).setStartRevision(100)));
    assertProgress(1, 2, client.next());
    watch.put("x", "2");
    watch.put("b", "3");
    assertEquals(1, client.next().getEventsCount());
    assertProgress(1, 4, client.next());
  }
}
