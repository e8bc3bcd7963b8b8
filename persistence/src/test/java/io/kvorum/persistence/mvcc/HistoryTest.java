package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.bytes;
import static io.kvorum.persistence.mvcc.Requests.delete;
import static io.kvorum.persistence.mvcc.Requests.ok;
import static io.kvorum.persistence.mvcc.Requests.op;
import static io.kvorum.persistence.mvcc.Requests.put;
import static io.kvorum.persistence.mvcc.Requests.refusal;
import static io.kvorum.persistence.mvcc.Requests.text;
import static io.kvorum.persistence.mvcc.Requests.txn;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.mvccpb.Event;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What watchers that lag behind read. */
class HistoryTest {

  @TempDir Path directory;
  private TestKeyspace store;

  @BeforeEach
  void open() {
    store = new TestKeyspace(directory);
    store.put(put("a", "1").setLease(TestKeyspace.LEASE));
    store.txn(txn(op(put("b", "2")), op(put("c", "3")), op(delete("a"))));
    store.put("b", "4");
  }

  @AfterEach
  void close() {
    store.close();
  }

  private History history(long from, int maxRevisions, long maxBytes) {
    return store.read(view -> ok(view.history(from, maxRevisions, maxBytes)));
  }

  @Test
  void everythingInOrder() {
    History all = store.history(1);
    assertEquals(
        List.of("2: PUT a=1", "3: PUT b=2", "3: PUT c=3", "3: DELETE a=", "4: PUT b=4"),
        TestKeyspace.eventText(all.revisions()));
    assertEquals(5, all.nextRevision());
    assertEquals(3, all.revisions().size());
  }

  @Test
  void putsAreWholeAndDeletesBare() {
    List<RevisionEvents> revisions = store.history(2).revisions();
    assertEquals(
        "a=1 create 2 mod 2 version 1 lease 7", text(revisions.get(0).events().getFirst().getKv()));
    Event deleted = revisions.get(1).events().get(2);
    assertEquals("a= create 0 mod 3 version 0 lease 0", text(deleted.getKv()));
    assertFalse(deleted.hasPrevKv());
  }

  @Test
  void limitsNeverSplitARevision() {
    History first = history(2, 1, Long.MAX_VALUE);
    assertEquals(List.of("2: PUT a=1"), TestKeyspace.eventText(first.revisions()));
    assertEquals(3, first.nextRevision());
    History second = history(3, Integer.MAX_VALUE, 1);
    assertEquals(3, second.revisions().getFirst().events().size());
    assertEquals(1, second.revisions().size());
    assertEquals(4, second.nextRevision());
    assertEquals(5, history(4, 1, 1).nextRevision());
  }

  @Test
  void theFuture() {
    assertEquals(new History(List.of(), 5), history(5, 9, 9));
    assertEquals(new History(List.of(), 99), history(99, 9, 9));
  }

  @Test
  void compacted() throws Exception {
    assertEquals(5, history(-1, 9, 999).nextRevision());
    assertEquals(EtcdError.COMPACTED, refusal(store.read(view -> view.history(-2, 9, 9))));
    store.compactFully(3);
    assertEquals(EtcdError.COMPACTED, refusal(store.read(view -> view.history(2, 9, 9))));
    assertEquals(
        List.of("3: PUT b=2", "3: PUT c=3", "3: DELETE a=", "4: PUT b=4"), store.historyText(3));
  }

  @Test
  void recordsAtARevision() {
    try (ReadView view = store.keyspace.view()) {
      assertEquals("1", view.get(bytes("a"), 2).getValue().toStringUtf8());
      assertNull(view.get(bytes("a"), 3));
      assertNull(view.get(bytes("a"), 1));
      assertEquals("2", view.get(bytes("b"), 3).getValue().toStringUtf8());
      assertEquals("4", view.get(bytes("b"), 4).getValue().toStringUtf8());
      assertEquals("4", view.get(bytes("b"), 0).getValue().toStringUtf8());
      assertEquals("4", view.get(bytes("b"), 99).getValue().toStringUtf8());
      assertNull(view.get(bytes("bb"), 0));
    }
  }
}
