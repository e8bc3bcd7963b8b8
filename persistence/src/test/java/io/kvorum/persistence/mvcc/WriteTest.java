package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.OPEN_END;
import static io.kvorum.persistence.mvcc.Requests.all;
import static io.kvorum.persistence.mvcc.Requests.bytes;
import static io.kvorum.persistence.mvcc.Requests.delete;
import static io.kvorum.persistence.mvcc.Requests.get;
import static io.kvorum.persistence.mvcc.Requests.keys;
import static io.kvorum.persistence.mvcc.Requests.ok;
import static io.kvorum.persistence.mvcc.Requests.put;
import static io.kvorum.persistence.mvcc.Requests.refusal;
import static io.kvorum.persistence.mvcc.Requests.text;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.etcdserverpb.CompactionRequest;
import io.kvorum.protocol.etcdserverpb.DeleteRangeResponse;
import io.kvorum.protocol.etcdserverpb.PutResponse;
import io.kvorum.protocol.mvccpb.Event;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** KV.Put and KV.DeleteRange, rule by rule, and batches of several entries. */
class WriteTest {

  @TempDir Path directory;
  private TestKeyspace store;

  @BeforeEach
  void open() {
    store = new TestKeyspace(directory);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private String record(String key) {
    return text(store.range(get(key)).getKvs(0));
  }

  @Test
  void theFirstWriteHasRevisionTwo() {
    assertEquals(1, store.keyspace.currentRevision());
    assertEquals(-1, store.keyspace.compactedRevision());
    PutResponse.Builder response = store.put("a", "1");
    assertEquals(2, response.getHeader().getRevision());
    assertFalse(response.hasPrevKv());
    assertEquals("a=1 create 2 mod 2 version 1 lease 0", record("a"));
  }

  @Test
  void anEqualValueStillBumps() {
    store.put("a", "1");
    assertEquals(3, store.put("a", "1").getHeader().getRevision());
    assertEquals("a=1 create 2 mod 3 version 2 lease 0", record("a"));
  }

  @Test
  void aDeleteEndsTheGeneration() {
    store.put("a", "1");
    store.put("a", "2");
    store.delete(delete("a"));
    assertEquals(0, store.range(get("a")).getCount());
    store.put("a", "3");
    assertEquals("a=3 create 5 mod 5 version 1 lease 0", record("a"));
  }

  @Test
  void previousRecord() {
    assertFalse(store.put(put("a", "1").setPrevKv(true).setLease(TestKeyspace.LEASE)).hasPrevKv());
    assertFalse(store.put("a", "2").hasPrevKv());
    PutResponse.Builder response = store.put(put("a", "3").setPrevKv(true));
    assertEquals("a=2 create 2 mod 3 version 2 lease 0", text(response.getPrevKv()));
    store.delete(delete("a"));
    assertFalse(store.put(put("a", "4").setPrevKv(true)).hasPrevKv());
  }

  @Test
  void leases() {
    assertEquals(EtcdError.LEASE_NOT_FOUND, refusal(store.tryPut(put("a", "1").setLease(99))));
    assertEquals(1, store.keyspace.currentRevision());
    store.put(put("a", "1").setLease(TestKeyspace.LEASE));
    assertEquals("a=1 create 2 mod 2 version 1 lease 7", record("a"));
    store.put("a", "2");
    assertEquals("a=2 create 2 mod 3 version 2 lease 0", record("a"));
    store.put(put("a", "3").setLease(TestKeyspace.OTHER_LEASE));
    assertEquals("a=3 create 2 mod 4 version 3 lease -2", record("a"));
  }

  @Test
  void ignoreValueAndLease() {
    assertEquals(EtcdError.KEY_NOT_FOUND, refusal(store.tryPut(put("a", "").setIgnoreValue(true))));
    assertEquals(
        EtcdError.KEY_NOT_FOUND, refusal(store.tryPut(put("a", "1").setIgnoreLease(true))));
    // The lease is looked at first.
    assertEquals(
        EtcdError.LEASE_NOT_FOUND,
        refusal(store.tryPut(put("a", "").setIgnoreValue(true).setLease(99))));
    assertEquals(1, store.keyspace.currentRevision());
    store.put(put("a", "1").setLease(TestKeyspace.LEASE));
    store.put(put("a", "2").setIgnoreLease(true));
    assertEquals("a=2 create 2 mod 3 version 2 lease 7", record("a"));
    store.put(put("a", "").setIgnoreValue(true));
    assertEquals("a=2 create 2 mod 4 version 3 lease 0", record("a"));
    store.put(put("a", "").setIgnoreValue(true).setIgnoreLease(true));
    assertEquals("a=2 create 2 mod 5 version 4 lease 0", record("a"));
  }

  @Test
  void deletingNothingDoesNotBump() {
    store.put("a", "1");
    DeleteRangeResponse.Builder response = store.delete(delete("b", "z").setPrevKv(true));
    assertEquals(0, response.getDeleted());
    assertEquals(2, response.getHeader().getRevision());
    assertEquals(2, store.keyspace.currentRevision());
    assertEquals(0, store.delete(delete("b", "a")).getDeleted());
    assertEquals(1, store.events.size());
  }

  @Test
  void aRangeIsDeletedUnderOneRevision() {
    store.put("a", "1");
    store.put("b", "2");
    store.put("c", "3");
    store.put("d", "4");
    DeleteRangeResponse.Builder response = store.delete(delete("b", "d").setPrevKv(true));
    assertEquals(2, response.getDeleted());
    assertEquals(6, response.getHeader().getRevision());
    assertEquals(
        List.of("b=2 create 3 mod 3 version 1 lease 0", "c=3 create 4 mod 4 version 1 lease 0"),
        response.getPrevKvsList().stream().map(Requests::text).toList());
    assertEquals(List.of("a", "d"), keys(store.range(all())));
    assertEquals(
        List.of("6: DELETE b=", "6: DELETE c="),
        TestKeyspace.eventText(store.events.subList(4, 5)));
    DeleteRangeResponse.Builder rest = store.delete(delete("b").setRangeEnd(OPEN_END));
    assertEquals(1, rest.getDeleted());
    assertEquals(0, rest.getPrevKvsCount());
  }

  @Test
  void eventsCarryThePreviousRecord() {
    store.keyspace.tellPreviousValues(true);
    store.put("a", "1");
    store.put("a", "2");
    store.delete(delete("a"));
    List<Event> events =
        store.events.stream().flatMap(revision -> revision.events().stream()).toList();
    assertFalse(events.get(0).hasPrevKv());
    assertEquals("a=2 create 2 mod 3 version 2 lease 0", text(events.get(1).getKv()));
    assertEquals("a=1 create 2 mod 2 version 1 lease 0", text(events.get(1).getPrevKv()));
    assertEquals(Event.EventType.DELETE, events.get(2).getType());
    assertEquals("a= create 0 mod 4 version 0 lease 0", text(events.get(2).getKv()));
    assertEquals("a=2 create 2 mod 3 version 2 lease 0", text(events.get(2).getPrevKv()));
  }

  @Test
  void aPutOfAKnownKeyReadsTheValueBeforeOnlyForThoseWhoWantIt() {
    store.put("a", "1");
    store.put("a", "2");
    assertFalse(event(1).hasPrevKv());
    assertEquals("a=2 create 2 mod 3 version 2 lease 0", text(event(1).getKv()));
    PutResponse.Builder asked = store.put(put("a", "3").setPrevKv(true));
    assertEquals("a=2 create 2 mod 3 version 2 lease 0", text(asked.getPrevKv()));
    assertEquals(asked.getPrevKv(), event(2).getPrevKv());
    store.put(put("a", "").setIgnoreValue(true));
    assertEquals("a=3 create 2 mod 5 version 4 lease 0", text(event(3).getKv()));
    store.delete(delete("a"));
    assertEquals("a=3 create 2 mod 5 version 4 lease 0", text(event(4).getPrevKv()));
    store.put("a", "4");
    assertEquals("a=4 create 7 mod 7 version 1 lease 0", text(event(5).getKv()));
  }

  private Event event(int at) {
    return store.events.get(at).events().getFirst();
  }

  @Test
  void aBatchThatIsNotCommittedIsNotRemembered() {
    store.put("a", "1");
    try (ApplyBatch batch = store.keyspace.beginBatch()) {
      long index = store.keyspace.applied().index();
      ok(batch.put(at(index + 1), put("a", "2").build()));
      ok(batch.put(at(index + 2), put("b", "2").build()));
    }
    store.put("a", "3");
    store.put("b", "3");
    assertEquals("a=3 create 2 mod 3 version 2 lease 0", text(event(1).getKv()));
    assertEquals("b=3 create 4 mod 4 version 1 lease 0", text(event(2).getKv()));
  }

  @Test
  void aBatchSeesItsOwnWritesAndNobodyElseDoes() {
    store.put("a", "0");
    try (ApplyBatch batch = store.keyspace.beginBatch();
        ReadView before = store.keyspace.view()) {
      long index = store.keyspace.applied().index();
      assertEquals(3, ok(batch.put(at(++index), put("a", "1").build())).getHeader().getRevision());
      assertEquals(4, ok(batch.put(at(++index), put("b", "1").build())).getHeader().getRevision());
      PutResponse.Builder again = ok(batch.put(at(++index), put("a", "2").setPrevKv(true).build()));
      assertEquals("a=1 create 2 mod 3 version 2 lease 0", text(again.getPrevKv()));
      assertEquals(
          EtcdError.LEASE_NOT_FOUND,
          refusal(batch.put(at(++index), put("a", "3").setLease(9).build())));
      assertEquals(2, ok(batch.deleteRange(at(++index), delete("a", "z").build())).getDeleted());
      PutResponse.Builder reborn =
          ok(batch.put(at(++index), put("a", "4").setPrevKv(true).build()));
      assertFalse(reborn.hasPrevKv());
      assertEquals(7, reborn.getHeader().getRevision());
      assertEquals(
          EtcdError.FUTURE_REV,
          refusal(
              batch.compact(at(++index), CompactionRequest.newBuilder().setRevision(8).build())));
      batch.skip(at(++index));
      try (ReadView view = store.keyspace.view()) {
        assertEquals(2, view.currentRevision());
        assertEquals("a=0 create 2 mod 2 version 1 lease 0", text(view.get(bytes("a"), 0)));
      }
      assertEquals(1, store.keyspace.applied().index());
      List<RevisionEvents> events = batch.commit();
      assertEquals(
          List.of(
              "3: PUT a=1",
              "4: PUT b=1",
              "5: PUT a=2",
              "6: DELETE a=",
              "6: DELETE b=",
              "7: PUT a=4"),
          TestKeyspace.eventText(events));
      assertEquals(at(index), store.keyspace.applied());
      assertEquals(2, before.currentRevision());
      assertEquals("a=0 create 2 mod 2 version 1 lease 0", text(before.get(bytes("a"), 0)));
    }
    assertEquals("a=4 create 7 mod 7 version 1 lease 0", record("a"));
    assertEquals(1, store.keyspace.stats().liveKeys());
    assertEquals(store.historyText(3), TestKeyspace.eventText(store.history(3).revisions()));
  }

  @Test
  void aBatchWithoutCommitLeavesNoTrace() {
    store.put("a", "1");
    try (ApplyBatch batch = store.keyspace.beginBatch()) {
      ok(batch.put(store.next(), put("a", "2").build()));
      batch.putMeta("m", new byte[] {1});
    }
    assertEquals(2, store.keyspace.currentRevision());
    assertEquals(3, store.put("b", "1").getHeader().getRevision());
    assertEquals("a=1 create 2 mod 2 version 1 lease 0", record("a"));
    assertEquals(null, store.keyspace.meta("m"));
  }

  @Test
  void misuseIsRefused() {
    store.put("a", "1");
    try (ApplyBatch batch = store.keyspace.beginBatch()) {
      assertThrows(IllegalStateException.class, () -> store.keyspace.beginBatch());
      assertThrows(IllegalArgumentException.class, () -> batch.skip(at(1)));
      batch.skip(at(2));
      batch.commit();
      assertThrows(IllegalStateException.class, () -> batch.skip(at(3)));
    }
    ReadView view = store.keyspace.view();
    view.close();
    view.close();
    assertThrows(IllegalStateException.class, () -> view.range(all().build()));
    assertEquals(1, store.range(all()).getCount());
  }

  private static LogPosition at(long index) {
    return new LogPosition(index, 1);
  }
}
