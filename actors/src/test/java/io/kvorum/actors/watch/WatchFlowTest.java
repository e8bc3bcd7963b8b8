package io.kvorum.actors.watch;

import static io.kvorum.actors.watch.WatchFixture.SETTINGS;
import static io.kvorum.actors.watch.WatchFixture.TIGHT;
import static io.kvorum.actors.watch.WatchFixture.await;
import static io.kvorum.actors.watch.WatchFixture.create;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.persistence.mvcc.RevisionEvents;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.stream.testkit.javadsl.TestSink;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Demand, credit, and what happens to those who do not keep up. */
class WatchFlowTest {
  /** Small live responses that fit into the credit of a stream. */
  private static final int TAKEN_AT_ONCE = 4;

  private static final String LAG = "kvorum_watch_slowest_lag_revisions";
  private static final String SEND_LOOP = "etcd_debugging_server_watch_send_loop_";

  @Test
  void aSlowClientMissesNothingAndDelaysNobody() {
    try (var watch = new WatchFixture(TIGHT);
        var slow = watch.client();
        var quick = watch.client()) {
      slow.created(create("a", "z"));
      quick.created(create("k", ""));
      int revisions = 2_000;
      for (int i = 0; i < revisions; i++) {
        watch.put(i % 100 == 0 ? "k" : "other", "" + i);
        if (i % 100 == 0) {
          assertEquals("" + i, quick.next().getEvents(0).getKv().getValue().toStringUtf8());
        }
      }
      await("the slow one lags", () -> watch.metric("etcd_debugging_mvcc_slow_watcher_total") == 1);
      assertTrue(watch.metric("etcd_debugging_mvcc_pending_events_total") <= 20);
      long last = 1;
      while (last < revisions + 1) {
        for (var event : slow.next().getEventsList()) {
          assertEquals(last + 1, event.getKv().getModRevision());
          last++;
        }
      }
      watch.put("k", "end");
      assertEquals(revisions + 2, slow.next().getHeader().getRevision());
      assertEquals(0, watch.metric("etcd_debugging_mvcc_slow_watcher_total"));
      assertTrue(watch.store.historyReads.get() > 0);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {200, 1_000, 3_000})
  void aBurstLargerThanTheCreditIsTakenFromTheRingWithoutReadingHistory(int revisions) {
    try (var watch = new WatchFixture(SETTINGS);
        var client = watch.client()) {
      client.created(create("a", ""));
      var burst = new ArrayList<RevisionEvents>();
      for (int i = 0; i < revisions; i++) {
        burst.addAll(watch.store.commit(new FakeStore.Op("a", "" + i)));
      }
      watch.hub.tell(new WatchHub.Publish(burst));
      long last = 1;
      while (last < revisions + 1) {
        for (var event : client.next().getEventsList()) {
          assertEquals(++last, event.getKv().getModRevision());
        }
      }
      assertEquals(0, watch.store.historyReads.get());
      watch.put("a", "live");
      assertEquals(revisions + 2, client.next().getHeader().getRevision());
    }
  }

  @Test
  void figuresTellWhoLagsAndWhatIsInMemory() {
    try (var watch = new WatchFixture(TIGHT);
        var client = watch.client()) {
      client.created(create("a", ""));
      assertEquals(0, watch.metric(LAG));
      for (int i = 0; i < 100; i++) {
        watch.put("a", "" + i);
      }
      await("it lags", () -> watch.metric(LAG) > 50);
      assertEquals(TIGHT.ringRevisions(), watch.metric("kvorum_watch_ring_revisions"));
      assertTrue(watch.metric("kvorum_watch_ring_bytes") > TIGHT.ringRevisions());
      for (long last = 1; last < 101; ) {
        for (var event : client.next().getEventsList()) {
          last = event.getKv().getModRevision();
        }
      }
      await("it is level", () -> watch.metric(LAG) == 0);
      assertEquals(1, watch.metric(SEND_LOOP + "control_stream_duration_seconds_count"));
      double withEvents = watch.metric(SEND_LOOP + "watch_stream_duration_seconds_count");
      assertTrue(withEvents > 4 && withEvents <= 100, () -> withEvents + " responses");
      assertEquals(
          withEvents, watch.metric(SEND_LOOP + "watch_stream_duration_per_event_seconds_count"));
    }
  }

  /** Live events come one revision to a response; what was taken makes room for as many again. */
  @Test
  void whatTheClientHasTakenIsCreditAgain() {
    try (var watch = new WatchFixture(TIGHT);
        var client = watch.client()) {
      client.created(create("a", ""));
      for (int round = 0; round < 20; round++) {
        var burst = new ArrayList<RevisionEvents>();
        for (int i = 0; i < TAKEN_AT_ONCE; i++) {
          burst.addAll(watch.store.commit(new FakeStore.Op("a", "" + i)));
        }
        watch.hub.tell(new WatchHub.Publish(burst));
        for (var revision : burst) {
          var response = client.next();
          assertEquals(1, response.getEventsCount());
          assertEquals(revision.revision(), response.getHeader().getRevision());
        }
      }
    }
  }

  /** Nothing is queued for a hub that does not come round, and nothing is lost by that. */
  @Test
  void aPublisherLeavesToHistoryWhatTheHubHasNoRoomFor() {
    var kit = ActorTestKit.create("publisher");
    try {
      var hub = kit.<WatchHub.Message>createTestProbe();
      var store = new FakeStore();
      var publisher = new WatchPublisher(hub.ref()::tell, TIGHT);
      var value = "x".repeat(1 << 20);
      publisher.publish(store.commit(new FakeStore.Op("a", value)));
      publisher.publish(store.commit(new FakeStore.Op("a", "3")));
      publisher.publish(store.commit(new FakeStore.Op("a", "4")));
      var offered = hub.expectMessageClass(PublisherMessage.Offered.class);
      hub.expectMessage(new PublisherMessage.Skipped(publisher));
      publisher.taken(offered.bytes());
      publisher.publish(store.commit(new FakeStore.Op("a", "5")));
      assertEquals(
          5, hub.expectMessageClass(PublisherMessage.Offered.class).revisions().get(0).revision());
      assertEquals(4, publisher.takeSkipped());
      publisher.publish(List.of());
      hub.expectNoMessage(Duration.ZERO);
    } finally {
      kit.shutdownTestKit();
    }
  }

  @Test
  void aCompactionThatOvertakesALaggingWatcherEndsIt() {
    try (var watch = new WatchFixture(TIGHT);
        var client = watch.client()) {
      client.created(create("a", ""));
      for (int i = 0; i < 100; i++) {
        watch.put("a", "" + i);
      }
      await("it lags", () -> watch.metric("etcd_debugging_mvcc_slow_watcher_total") == 1);
      watch.store.compact(90);
      long last = 1;
      var response = client.next();
      while (!response.getCanceled()) {
        for (var event : response.getEventsList()) {
          assertEquals(++last, event.getKv().getModRevision());
        }
        response = client.next();
      }
      assertTrue(last < 89);
      assertEquals(90, response.getCompactRevision());
      assertEquals(0, response.getHeader().getRevision());
    }
  }

  @Test
  void requestsWaitWhileTheirAnswersAreNotTaken() {
    var kit = ActorTestKit.create("requests");
    try (var watch = new WatchFixture(TIGHT)) {
      var pulled = new AtomicInteger();
      var requests =
          Source.repeat(create("a", ""))
              .map(
                  request -> {
                    pulled.incrementAndGet();
                    return request;
                  });
      var sink =
          watch
              .streams
              .open(watch.hub, requests)
              .runWith(TestSink.create(kit.system().classicSystem()), kit.system());
      await("as many as there is room for", () -> pulled.get() == TIGHT.controlResponses());
      sink.request(3);
      sink.expectNextN(3);
      await("three more", () -> pulled.get() == TIGHT.controlResponses() + 3);
      sink.cancel();
      await("closed", () -> watch.metric("etcd_debugging_mvcc_watch_stream_total") == 0);
    } finally {
      kit.shutdownTestKit();
    }
  }

  @Test
  void historyIsTriedAgainWhenTheExecutorIsFull() {
    var refusals = new AtomicInteger(3);
    try (var watch =
            new WatchFixture(
                TIGHT,
                new FakeStore(),
                task -> {
                  if (refusals.getAndDecrement() > 0) {
                    throw new RejectedExecutionException("full");
                  }
                  task.run();
                });
        var client = watch.client()) {
      for (int i = 0; i < 20; i++) {
        watch.put("a", "" + i);
      }
      client.created(create("a", b -> b.setStartRevision(2)));
      assertEquals(2, client.next().getEvents(0).getKv().getModRevision());
      assertTrue(refusals.get() < 0);
    }
  }

  @Test
  void aKeyspaceReplacedByASnapshotSendsEverybodyToHistory() {
    try (var watch = new WatchFixture(SETTINGS);
        var client = watch.client()) {
      client.created(create("a", ""));
      client.created(create("a", b -> b.setStartRevision(14)));
      watch.put("a", "2");
      for (int i = 3; i <= 10; i++) {
        watch.store.commit(new FakeStore.Op("a", "" + i));
      }
      watch.hub.tell(new WatchHub.Jump(watch.store.current()));
      // A gap in what is published is the same without notice.
      watch.store.commit(new FakeStore.Op("a", "11"));
      watch.put("a", "12");
      watch.put("a", "13");
      watch.put("a", "14");
      long last = 1;
      boolean future = false;
      while (last < 14 || !future) {
        var response = client.next();
        for (var event : response.getEventsList()) {
          if (response.getWatchId() == 0) {
            assertEquals(++last, event.getKv().getModRevision());
          } else {
            assertEquals(14, event.getKv().getModRevision());
            future = true;
          }
        }
      }
    }
  }

  /** Who still needs what the snapshot's compaction has taken is told so; the others go on. */
  @Test
  void aSnapshotThatIsCompactedFurtherThanAWatcherHasComeEndsIt() {
    try (var watch = new WatchFixture(SETTINGS);
        var client = watch.client()) {
      client.created(create("a", ""));
      client.created(create("a", b -> b.setStartRevision(8)));
      for (int i = 2; i <= 10; i++) {
        watch.store.commit(new FakeStore.Op("a", "" + i));
      }
      watch.store.compact(8);
      watch.hub.tell(new WatchHub.Jump(watch.store.current()));
      long last = 7;
      boolean ended = false;
      while (last < 10 || !ended) {
        var response = client.next();
        if (response.getWatchId() == 0) {
          assertTrue(response.getCanceled());
          assertEquals(8, response.getCompactRevision());
          assertEquals(0, response.getEventsCount());
          ended = true;
        } else {
          for (var event : response.getEventsList()) {
            assertEquals(++last, event.getKv().getModRevision());
          }
        }
      }
    }
  }

  @Test
  void whatTheKeyspaceHeldWhenTheHubBeganIsHistory() {
    var store = new FakeStore();
    var early = new ArrayList<RevisionEvents>();
    for (int i = 0; i < 5; i++) {
      early.addAll(store.commit(new FakeStore.Op("a", "" + i)));
    }
    try (var watch = new WatchFixture(SETTINGS, store, null);
        var client = watch.client()) {
      watch.hub.tell(new WatchHub.Publish(early.subList(3, 5)));
      client.created(create("a", b -> b.setStartRevision(4)));
      assertEquals(3, client.next().getEventsCount());
      watch.put("a", "live");
      assertEquals(7, client.next().getHeader().getRevision());
    }
  }

  @Test
  void streamsFailWithServerStoppedWhenTheHubIsGone() {
    try (var watch = new WatchFixture(SETTINGS);
        var client = watch.client()) {
      client.created(create("a", ""));
      watch.stopHub();
      var failure = assertThrows(AssertionError.class, client::next);
      assertEquals(
          "UNAVAILABLE: etcdserver: server stopped",
          String.valueOf(failure.getCause() == null ? null : failure.getCause().getMessage()));
    }
  }

  @Test
  void aFailureOfTheRequestsEndsTheStream() {
    var kit = ActorTestKit.create("failure");
    try (var watch = new WatchFixture(SETTINGS)) {
      var sink =
          watch
              .streams
              .open(
                  watch.hub,
                  Source.<WatchRequest>failed(new IllegalStateException("broken protobuf")))
              .runWith(TestSink.create(kit.system().classicSystem()), kit.system());
      sink.expectSubscriptionAndError();
      await("closed", () -> watch.metric("etcd_debugging_mvcc_watch_stream_total") == 0);
    } finally {
      kit.shutdownTestKit();
    }
  }
}
