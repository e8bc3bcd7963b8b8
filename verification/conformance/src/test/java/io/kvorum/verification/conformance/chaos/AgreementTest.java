package io.kvorum.verification.conformance.chaos;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.Event;
import io.etcd.jetcd.api.KeyValue;
import io.kvorum.verification.history.History;
import io.kvorum.verification.history.Operation;
import io.kvorum.verification.history.Request;
import io.kvorum.verification.history.Response;
import io.kvorum.verification.history.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What the members show against what clients were told: each kind of lie is noticed. */
class AgreementTest {
  private final List<Operation> told = new ArrayList<>();
  private final TreeMap<Long, List<Event>> shown = new TreeMap<>();

  @Test
  void agrees() {
    put("k", "a").answered(0, 1, new Response.Written(2));
    shows(2, "k", "a");
    get("k").answered(2, 3, new Response.Got(new Response.Version("a", 2), 2));
    swap("k", 2, "b").answered(4, 5, new Response.TxnDone(true, written(3), 3));
    shows(3, "k", "b");
    delete("k").answered(6, 7, new Response.Deleted(1, 4));
    shows(4, "k", null);
    put("k", "never").inDoubt(8);
    put("k", "perhaps").inDoubt(9);
    shows(5, "k", "perhaps");
    assertInstanceOf(Verdict.Correct.class, check());
  }

  @Test
  void missesAnAcknowledgedWrite() {
    put("k", "a").answered(0, 1, new Response.Written(2));
    put("k", "b").answered(2, 3, new Response.Written(3));
    shows(2, "k", "a");
    broken("lost");
  }

  @Test
  void missesARevision() {
    put("k", "a").answered(0, 1, new Response.Written(3));
    shows(3, "k", "a");
    broken("nothing was changed at revision 2");
  }

  @Test
  void findsAnotherWriteInItsPlace() {
    put("k", "a").answered(0, 1, new Response.Written(2));
    put("k", "b").inDoubt(0);
    shows(2, "k", "b");
    broken("this stands there");
  }

  @Test
  void findsOneRevisionGivenTwice() {
    put("k", "a").answered(0, 1, new Response.Written(2));
    put("k", "a").answered(0, 1, new Response.Written(2));
    shows(2, "k", "a");
    broken("the same revision");
  }

  @Test
  void findsAWriteThatWasAppliedTwice() {
    put("k", "a").answered(0, 1, new Response.Written(2));
    shows(2, "k", "a");
    shows(3, "k", "a");
    broken("applied twice");
  }

  @Test
  void findsWhatNobodyAskedFor() {
    shows(2, "k", "a");
    broken("nobody wrote");
  }

  @Test
  void findsADeletionNobodyAskedFor() {
    put("k", "a").answered(0, 1, new Response.Written(2));
    shows(2, "k", "a");
    shows(3, "k", null);
    broken("nobody deleted");
  }

  @Test
  void findsAReadOfTheWrongVersion() {
    put("k", "a").answered(0, 1, new Response.Written(2));
    put("k", "b").answered(2, 3, new Response.Written(3));
    shows(2, "k", "a");
    shows(3, "k", "b");
    get("k").answered(4, 5, new Response.Got(new Response.Version("a", 2), 3));
    broken("newest at that revision was b@3");
  }

  /** At its own revision the read is right; it came too late for it. */
  @Test
  void findsAStaleRead() {
    put("k", "a").answered(0, 1, new Response.Written(2));
    put("k", "b").answered(2, 3, new Response.Written(3));
    shows(2, "k", "a");
    shows(3, "k", "b");
    get("k").answered(4, 5, new Response.Got(new Response.Version("a", 2), 2));
    broken("goes back");
  }

  @Test
  void findsATransactionThatShouldHaveFailed() {
    put("k", "a").answered(0, 1, new Response.Written(2));
    put("k", "b").answered(2, 3, new Response.Written(3));
    swap("k", 2, "c").answered(4, 5, new Response.TxnDone(true, written(4), 4));
    shows(2, "k", "a");
    shows(3, "k", "b");
    shows(4, "k", "c");
    broken("this stands there");
  }

  private Verdict check() {
    return new Agreement("k", new History(told), new KeyspaceHistory(2, shown.lastKey(), shown))
        .check();
  }

  private void broken(String why) {
    var found = assertThrows(AssertionError.class, this::check);
    assertTrue(String.valueOf(found.getMessage()).contains(why), found::toString);
  }

  private Call put(String key, String value) {
    return new Call(new Request.Put(key, value));
  }

  private Call get(String key) {
    return new Call(new Request.Get(key));
  }

  private Call delete(String key) {
    return new Call(new Request.Delete(key));
  }

  private Call swap(String key, long modRevision, String value) {
    return new Call(
        new Request.Txn(
            List.of(new Request.Compare.ModRevisionIs(key, modRevision)),
            List.of(new Request.Put(key, value)),
            List.of(new Request.Get(key))));
  }

  private static List<Response> written(long revision) {
    return List.of(new Response.Written(revision));
  }

  private void shows(long revision, String key, @Nullable String value) {
    var kv = KeyValue.newBuilder().setKey(ByteString.copyFromUtf8(key)).setModRevision(revision);
    if (value != null) kv.setValue(ByteString.copyFromUtf8(value));
    var type = value == null ? Event.EventType.DELETE : Event.EventType.PUT;
    shown.put(revision, List.of(Event.newBuilder().setType(type).setKv(kv).build()));
  }

  private final class Call {
    private final Request request;

    Call(Request request) {
      this.request = request;
    }

    void answered(long from, long to, Response response) {
      told.add(new Operation(told.size(), told.size(), request, from, to, response));
    }

    void inDoubt(long from) {
      told.add(new Operation(told.size(), told.size(), request, from, Operation.NEVER, null));
    }
  }
}
