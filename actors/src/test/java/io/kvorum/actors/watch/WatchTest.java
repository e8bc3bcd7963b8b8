package io.kvorum.actors.watch;

import static io.kvorum.actors.watch.WatchFixture.SETTINGS;
import static io.kvorum.actors.watch.WatchFixture.TIGHT;
import static io.kvorum.actors.watch.WatchFixture.await;
import static io.kvorum.actors.watch.WatchFixture.cancel;
import static io.kvorum.actors.watch.WatchFixture.create;
import static io.kvorum.actors.watch.WatchFixture.progress;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.actors.watch.FakeStore.Op;
import io.kvorum.protocol.etcdserverpb.WatchCreateRequest.FilterType;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import io.kvorum.protocol.mvccpb.Event;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a client sees: ids, starts, content, filters, cancellation. */
class WatchTest {
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

  @Test
  void aCreatedAnswerThenTheEventsThatFollow() {
    watch.put("a", "0");
    client.send(create("a", ""));
    var created = client.next();
    assertTrue(created.getCreated());
    assertFalse(created.getCanceled());
    assertEquals(0, created.getWatchId());
    assertEquals(2, created.getHeader().getRevision());
    assertEquals(WatchFixture.CLUSTER_ID, created.getHeader().getClusterId());

    watch.put("a", "1");
    watch.put("b", "other");
    watch.delete("a");
    var put = client.next();
    assertEquals(3, put.getHeader().getRevision());
    assertEquals(0, put.getWatchId());
    assertEquals(1, put.getEventsCount());
    assertEquals("1", put.getEvents(0).getKv().getValue().toStringUtf8());
    assertEquals(2, put.getEvents(0).getKv().getVersion());
    var deleted = client.next();
    assertEquals(5, deleted.getHeader().getRevision());
    assertEquals(Event.EventType.DELETE, deleted.getEvents(0).getType());
    assertEquals(5, deleted.getEvents(0).getKv().getModRevision());
    assertEquals(0, deleted.getEvents(0).getKv().getCreateRevision());
  }

  @Test
  void idsAreCountedFromZeroAndThoseInUseAreSkipped() {
    assertEquals(0, client.created(create("a", "")));
    assertEquals(1, client.created(create("a", "")));
    assertEquals(3, client.created(create("a", b -> b.setWatchId(3))));
    assertEquals(2, client.created(create("a", "")));
    assertEquals(4, client.created(create("a", "")));
    client.send(cancel(1));
    assertTrue(client.next().getCanceled());
    assertEquals(5, client.created(create("a", "")));
    assertEquals(1, client.created(create("a", b -> b.setWatchId(1))));
  }

  @Test
  void anIdOfAnotherStreamIsFree() {
    client.created(create("a", b -> b.setWatchId(9)));
    try (var other = watch.client()) {
      assertEquals(9, other.created(create("a", b -> b.setWatchId(9))));
    }
  }

  @Test
  void refusalsAreAnswersAndTheStreamGoesOn() {
    watch.put("a", "0");
    long id = client.created(create("a", b -> b.setWatchId(5)));
    refused(create("b", "b"), "mvcc: watcher range is empty");
    refused(create("b", "a"), "mvcc: watcher range is empty");
    refused(
        create("a", b -> b.setWatchId(5)), "mvcc: duplicate watch ID provided on the WatchStream");
    refused(
        create("a", b -> b.setStartRevision(-1)),
        "etcdserver: mvcc: required revision has been compacted");
    watch.put("a", "1");
    assertEquals(id, client.next().getWatchId());
  }

  @Test
  void aNegativeStartIsCheckedBeforeTheRangeAndTheRangeBeforeTheId() {
    client.created(create("a", b -> b.setWatchId(5)));
    var end = ByteString.copyFromUtf8("a");
    refused(
        create("b", b -> b.setWatchId(5).setRangeEnd(end).setStartRevision(-1)),
        "etcdserver: mvcc: required revision has been compacted");
    refused(create("b", b -> b.setWatchId(5).setRangeEnd(end)), "mvcc: watcher range is empty");
  }

  private void refused(WatchRequest request, String reason) {
    client.send(request);
    var response = client.next();
    assertTrue(response.getCreated());
    assertTrue(response.getCanceled());
    assertEquals(-1, response.getWatchId());
    assertEquals(reason, response.getCancelReason());
    assertEquals(0, response.getCompactRevision());
    assertEquals(watch.store.current(), response.getHeader().getRevision());
  }

  @Test
  void anEmptyKeyIsZeroAndAnEndOfZeroIsEverythingFromThere() {
    client.created(create("", ""));
    client.created(create("b", "\0"));
    client.created(create("", "\0"));
    watch.commit(new Op("\0", "1"), new Op("a", "2"), new Op("b", "3"), new Op("\uffff", "4"));
    var keysById = new ArrayList<String>();
    for (int i = 0; i < 3; i++) {
      var response = client.next();
      keysById.add(response.getWatchId() + keys(response).toString());
    }
    keysById.sort(null);
    assertEquals(List.of("0[\0]", "1[b, \uffff]", "2[\0, a, b, \uffff]"), keysById);
  }

  private static List<String> keys(WatchResponse response) {
    return response.getEventsList().stream().map(e -> e.getKv().getKey().toStringUtf8()).toList();
  }

  @Test
  void eachOfSeveralOverlappingWatchersGetsItsOwnCopy() {
    for (int i = 0; i < 5; i++) {
      client.created(create("a", i % 2 == 0 ? "" : "b"));
    }
    watch.put("a", "1");
    var ids = new ArrayList<Long>();
    for (int i = 0; i < 5; i++) {
      var response = client.next();
      assertEquals(List.of("a"), keys(response));
      ids.add(response.getWatchId());
    }
    ids.sort(null);
    assertEquals(List.of(0L, 1L, 2L, 3L, 4L), ids);
  }

  @Test
  void allEventsOfARevisionAreInOneResponseInOrder() {
    client.created(create("a", "z"));
    watch.commit(new Op("c", "1"), new Op("A", "2"), new Op("b", "3"), new Op("y", "4"));
    assertEquals(List.of("c", "b", "y"), keys(client.next()));
  }

  @Test
  void historyIsReplayedFromTheStartRevisionOn() {
    with(TIGHT);
    for (int i = 0; i < 23; i++) {
      watch.put(i % 2 == 0 ? "a" : "b", "" + i);
    }
    client.created(create("a", b -> b.setStartRevision(5)));
    var revisions = new ArrayList<Long>();
    while (revisions.isEmpty() || revisions.getLast() < 24) {
      var response = client.next();
      response.getEventsList().forEach(e -> revisions.add(e.getKv().getModRevision()));
      assertTrue(response.getEventsCount() <= TIGHT.portionRevisions());
      assertTrue(response.getHeader().getRevision() >= revisions.getLast());
    }
    assertEquals(List.of(6L, 8L, 10L, 12L, 14L, 16L, 18L, 20L, 22L, 24L), revisions);
    watch.put("a", "live");
    var live = client.next();
    assertEquals(25, live.getHeader().getRevision());
    assertEquals(25, live.getEvents(0).getKv().getModRevision());
  }

  @Test
  void aStartAtTheNextRevisionIsTheSameAsNoneAndALaterOneWaits() {
    watch.put("a", "0");
    client.created(create("a", b -> b.setStartRevision(3)));
    client.created(create("a", b -> b.setStartRevision(5)));
    watch.put("a", "3");
    watch.put("a", "4");
    watch.put("a", "5");
    var seen = new ArrayList<String>();
    for (int i = 0; i < 4; i++) {
      var response = client.next();
      seen.add(response.getWatchId() + ":" + response.getEvents(0).getKv().getModRevision());
    }
    seen.sort(null);
    assertEquals(List.of("0:3", "0:4", "0:5", "1:5"), seen);
    assertEquals(List.of(), client.untilRefusal());
  }

  @Test
  void aStartAtTheCompactedRevisionIsServedAndOneBelowIsAnsweredWithIt() {
    for (int i = 0; i < 10; i++) {
      watch.put("a", "" + i);
    }
    watch.store.compact(8);
    client.created(create("a", b -> b.setStartRevision(8)));
    assertEquals(
        List.of(8L, 9L, 10L, 11L),
        client.next().getEventsList().stream().map(e -> e.getKv().getModRevision()).toList());

    client.send(create("a", b -> b.setStartRevision(7).setWatchId(4)));
    var created = client.next();
    assertTrue(created.getCreated());
    assertFalse(created.getCanceled());
    assertEquals(4, created.getWatchId());
    var compacted = client.next();
    assertTrue(compacted.getCanceled());
    assertFalse(compacted.getCreated());
    assertEquals(4, compacted.getWatchId());
    assertEquals(8, compacted.getCompactRevision());
    assertEquals("", compacted.getCancelReason());
    assertEquals(0, compacted.getHeader().getRevision());
    assertEquals(0, compacted.getEventsCount());
  }

  @Test
  void theIdOfACompactedWatcherStaysTakenAndBlocksProgressUntilItIsCancelled() {
    watch.put("a", "1");
    watch.put("a", "2");
    watch.store.compact(3);
    client.created(create("b", ""));
    client.created(create("a", b -> b.setStartRevision(2)));
    assertEquals(3, client.next().getCompactRevision());
    refused(
        create("a", b -> b.setWatchId(1)), "mvcc: duplicate watch ID provided on the WatchStream");
    client.send(progress());
    assertEquals(List.of(), client.untilRefusal());
    client.send(cancel(1));
    var canceled = client.next();
    assertTrue(canceled.getCanceled());
    assertEquals(1, canceled.getWatchId());
    assertEquals(0, canceled.getCompactRevision());
    client.send(progress());
    assertEquals(-1, client.next().getWatchId());
    assertEquals(1, client.created(create("a", b -> b.setWatchId(1))));
  }

  @Test
  void filtersDropEventsOnTheServerAndAResponseLeftEmptyIsNotSent() {
    client.created(create("a", b -> b.addFilters(FilterType.NOPUT)));
    client.created(create("a", b -> b.addFilters(FilterType.NODELETE).addFiltersValue(77)));
    client.created(
        create("a", b -> b.addFilters(FilterType.NODELETE).addFilters(FilterType.NOPUT)));
    watch.put("a", "1");
    var put = client.next();
    assertEquals(1, put.getWatchId());
    watch.delete("a");
    var deleted = client.next();
    assertEquals(0, deleted.getWatchId());
    assertEquals(Event.EventType.DELETE, deleted.getEvents(0).getType());
    assertEquals(List.of(), client.untilRefusal());
    // The same from history.
    client.created(create("a", b -> b.addFilters(FilterType.NOPUT).setStartRevision(1)));
    assertEquals(
        List.of(Event.EventType.DELETE),
        client.next().getEventsList().stream().map(Event::getType).toList());
  }

  @Test
  void previousValuesComeOnlyWhenAskedFor() {
    client.created(create("a", b -> b.setPrevKv(true)));
    client.created(create("a", ""));
    watch.put("a", "1");
    assertFalse(client.next().getEvents(0).hasPrevKv());
    assertFalse(client.next().getEvents(0).hasPrevKv());
    watch.put("a", "2");
    for (int i = 0; i < 2; i++) {
      var response = client.next();
      assertEquals(response.getWatchId() == 0, response.getEvents(0).hasPrevKv());
    }
    watch.delete("a");
    for (int i = 0; i < 2; i++) {
      var response = client.next();
      if (response.getWatchId() == 0) {
        assertEquals("2", response.getEvents(0).getPrevKv().getValue().toStringUtf8());
        assertEquals(2, response.getEvents(0).getPrevKv().getVersion());
      } else {
        assertFalse(response.getEvents(0).hasPrevKv());
      }
    }
  }

  @Test
  void previousValuesOfHistoryAreReadAndLeftOutWhenCompacted() {
    // So small a ring holds the last revision only.
    with(
        new WatchHub.Settings(
            1,
            1,
            2048,
            1 << 20,
            4,
            1024,
            100,
            1 << 20,
            1000,
            1 << 20,
            2 << 20,
            1 << 20,
            SETTINGS.progressInterval()));
    watch.put("a", "2");
    watch.put("a", "3");
    watch.put("a", "4");
    watch.delete("a");
    watch.put("a", "6");
    watch.put("z", "7");
    watch.store.compact(3);
    client.created(create("a", b -> b.setStartRevision(3).setPrevKv(true)));
    var events = new ArrayList<Event>();
    while (events.size() < 4) {
      events.addAll(client.next().getEventsList());
    }
    assertFalse(events.get(0).hasPrevKv(), "revision 2 is compacted");
    assertEquals("3", events.get(1).getPrevKv().getValue().toStringUtf8());
    assertEquals("4", events.get(2).getPrevKv().getValue().toStringUtf8());
    assertFalse(events.get(3).hasPrevKv(), "created");
    client.created(create("a", b -> b.setStartRevision(3)));
    assertTrue(client.next().getEventsList().stream().noneMatch(Event::hasPrevKv));
  }

  @Test
  void cancelOfAKnownIdIsAnsweredAndOfAnUnknownOneIsNot() {
    client.created(create("a", ""));
    client.send(cancel(8));
    watch.put("a", "1");
    assertEquals(1, client.next().getEventsCount());
    client.send(cancel(0));
    var canceled = client.next();
    assertTrue(canceled.getCanceled());
    assertEquals(0, canceled.getWatchId());
    assertEquals("", canceled.getCancelReason());
    assertEquals(2, canceled.getHeader().getRevision());
    watch.put("a", "2");
    assertEquals(List.of(), client.untilRefusal());
    client.send(cancel(0));
    assertEquals(List.of(), client.untilRefusal());
  }

  @Test
  void aRequestWithoutAMemberIsIgnored() {
    client.send(WatchRequest.getDefaultInstance());
    assertEquals(0, client.created(create("a", "")));
  }

  @Test
  void aClientThatClosesItsSideGoesOnListening() {
    client.created(create("a", ""));
    client.halfClose();
    for (int i = 0; i < 10; i++) {
      watch.put("a", "" + i);
      assertEquals("" + i, client.next().getEvents(0).getKv().getValue().toStringUtf8());
    }
  }

  @Test
  void fragmentsAreBelowTheLimitAndOnlyForThoseWhoAsked() {
    with(
        new WatchHub.Settings(
            64,
            1 << 20,
            1 << 20,
            1 << 26,
            16,
            1 << 15,
            1000,
            1 << 20,
            10_000,
            1 << 20,
            1000,
            1 << 20,
            SETTINGS.progressInterval()));
    client.created(create("a", b -> b.setRangeEnd(end()).setFragment(true)));
    client.created(create("a", b -> b.setRangeEnd(end())));
    var value = "x".repeat(200);
    watch.commit(IntStream.range(0, 12).mapToObj(i -> new Op("k" + i, value)).toArray(Op[]::new));
    watch.commit(new Op("big", "y".repeat(2000)));
    var pieces = new ArrayList<WatchResponse>();
    var whole = new ArrayList<WatchResponse>();
    while (whole.size() < 2 || pieces.isEmpty() || pieces.getLast().getHeader().getRevision() < 3) {
      var response = client.next();
      (response.getWatchId() == 0 ? pieces : whole).add(response);
    }
    assertEquals(12, whole.getFirst().getEventsCount());
    var big = pieces.removeLast();
    assertFalse(big.getFragment(), "one event is never cut");
    assertTrue(pieces.size() > 2);
    var joined = new ArrayList<Event>();
    for (var piece : pieces) {
      assertTrue(piece.getSerializedSize() < 1000);
      assertEquals(piece != pieces.getLast(), piece.getFragment());
      assertEquals(2, piece.getHeader().getRevision());
      joined.addAll(piece.getEventsList());
    }
    assertEquals(whole.getFirst().getEventsList(), joined);
  }

  private static ByteString end() {
    return ByteString.copyFromUtf8("z");
  }

  @Test
  void tenThousandWatchersOnOneStream() {
    int watchers = 10_000;
    for (int i = 0; i < watchers; i++) {
      int key = i;
      client.send(create("k" + key, b -> b.setStartRevision(key % 3 == 0 ? 1 : 0)));
    }
    for (int i = 0; i < watchers; i++) {
      assertEquals(i, client.next().getWatchId());
    }
    for (int i = 0; i < watchers; i += 1000) {
      watch.put("k" + i, "v");
      var response = client.next();
      assertEquals(i, response.getWatchId());
    }
    assertEquals(watchers, watch.metric("etcd_debugging_mvcc_watcher_total"));
    client.close();
    await("the watchers are gone", () -> watch.metric("etcd_debugging_mvcc_watcher_total") == 0);
    assertEquals(0, watch.metric("etcd_debugging_mvcc_watch_stream_total"));
    assertEquals(0, watch.metric("etcd_debugging_mvcc_slow_watcher_total"));
    assertEquals(0, watch.metric("etcd_debugging_mvcc_pending_events_total"));
    assertEquals(10, watch.metric("etcd_debugging_mvcc_events_total"));
  }
}
