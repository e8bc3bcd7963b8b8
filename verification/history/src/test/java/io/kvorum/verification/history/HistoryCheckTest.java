package io.kvorum.verification.history;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Small histories with a known answer. */
final class HistoryCheckTest {
  private final List<Operation> operations = new ArrayList<>();

  private void op(Request request, long invoked, long returned, Response response) {
    int id = operations.size();
    operations.add(new Operation(id, id, request, invoked, returned, response));
  }

  private void pending(Request request, long invoked) {
    int id = operations.size();
    operations.add(new Operation(id, id, request, invoked, Operation.NEVER, null));
  }

  private void put(String key, String value, long invoked, long returned, long revision) {
    op(new Request.Put(key, value), invoked, returned, new Response.Written(revision));
  }

  private void get(
      String key, @Nullable String value, long mod, long revision, long invoked, long returned) {
    op(
        new Request.Get(key),
        invoked,
        returned,
        new Response.Got(value == null ? null : new Response.Version(value, mod), revision));
  }

  private void correct() {
    History history = new History(operations);
    assertInstanceOf(Verdict.Correct.class, RevisionOrder.check(history));
    assertInstanceOf(Verdict.Correct.class, Linearizability.check(history));
  }

  private String wrong() {
    Verdict verdict = Linearizability.check(new History(operations));
    return assertInstanceOf(Verdict.Wrong.class, verdict).explanation();
  }

  private void wrongByRevision() {
    assertInstanceOf(Verdict.Wrong.class, RevisionOrder.check(new History(operations)));
  }

  @Test
  void aReadSeesTheWriteBeforeIt() {
    put("a", "1", 0, 10, 2);
    get("a", "1", 2, 2, 11, 12);
    correct();
  }

  @Test
  void aStaleReadIsNamed() {
    put("a", "1", 0, 10, 2);
    put("a", "2", 11, 20, 3);
    get("a", "1", 2, 2, 21, 30);
    put("a", "3", 31, 40, 4);
    String text = wrong();
    assertTrue(text.contains("#2 client 2 [21, 30] get a -> 1@2 at revision 2"), text);
    assertTrue(!text.contains("a=3"), text);
    wrongByRevision();
  }

  @Test
  void aReadMayBeAheadOfAWriteThatRunsBesideIt() {
    put("a", "1", 0, 100, 2);
    get("a", "1", 2, 2, 10, 20);
    correct();
  }

  @Test
  void butThenNoLaterReadMayBeBehindIt() {
    put("a", "1", 0, 100, 2);
    get("a", "1", 2, 2, 10, 20);
    get("a", null, 0, 1, 30, 40);
    wrong();
    wrongByRevision();
  }

  @Test
  void anUnansweredWriteMayTakeEffectLateOrNever() {
    pending(new Request.Put("a", "lost"), 0);
    get("a", null, 0, 1, 10, 20);
    put("a", "1", 21, 30, 2);
    get("a", "lost", 3, 3, 40, 50);
    correct();
  }

  @Test
  void anUnansweredWriteIsSeenOnce() {
    pending(new Request.Put("a", "x"), 0);
    get("a", "x", 2, 2, 10, 20);
    put("a", "1", 21, 30, 3);
    get("a", "x", 4, 4, 40, 50);
    wrong();
  }

  @Test
  void aValueThatNobodyWroteIsWrong() {
    get("a", "ghost", 2, 2, 0, 1);
    wrong();
    wrongByRevision();
  }

  @Test
  void ofTwoRacingSwapsOneSucceeds() {
    put("a", "0", 0, 1, 2);
    swap("a", "0", "1", 5, 20, true, 3);
    swap("a", "0", "2", 5, 20, false, 3);
    correct();
  }

  @Test
  void notBoth() {
    put("a", "0", 0, 1, 2);
    swap("a", "0", "1", 5, 20, true, 3);
    swap("a", "0", "2", 5, 20, true, 4);
    wrong();
  }

  private void swap(
      String key,
      String from,
      String to,
      long invoked,
      long returned,
      boolean done,
      long revision) {
    op(
        new Request.Txn(
            List.of(new Request.Compare.ValueIs(key, from)),
            List.of(new Request.Put(key, to)),
            List.of()),
        invoked,
        returned,
        new Response.TxnDone(
            done, done ? List.of(new Response.Written(revision)) : List.of(), revision));
  }

  @Test
  void aTransactionOverTwoKeysIsOneStep() {
    op(
        new Request.Txn(
            List.of(), List.of(new Request.Put("a", "1"), new Request.Put("b", "1")), List.of()),
        0,
        100,
        new Response.TxnDone(true, List.of(new Response.Written(2), new Response.Written(2)), 2));
    get("a", "1", 2, 2, 10, 20);
    get("b", null, 0, 1, 30, 40);
    wrong();
  }

  @Test
  void aSwapOnTheRevisionOfAnUnansweredPut() {
    pending(new Request.Put("a", "x"), 0);
    op(
        new Request.Txn(
            List.of(new Request.Compare.ModRevisionIs("a", 7)),
            List.of(new Request.Put("a", "y")),
            List.of()),
        5,
        10,
        new Response.TxnDone(true, List.of(new Response.Written(8)), 8));
    get("a", "y", 8, 8, 11, 12);
    correct();
  }

  @Test
  void twoWritesOfOneRevision() {
    put("a", "1", 0, 10, 2);
    put("b", "1", 0, 10, 2);
    wrongByRevision();
  }

  @Test
  void anAcknowledgedWriteThatIsGone() {
    put("a", "1", 0, 10, 2);
    get("a", null, 0, 2, 20, 30);
    wrong();
    wrongByRevision();
  }

  @Test
  void aDeleteOfWhatIsThereCounts() {
    put("a", "1", 0, 10, 2);
    op(new Request.Delete("a"), 11, 12, new Response.Deleted(0, 2));
    wrong();
  }
}
