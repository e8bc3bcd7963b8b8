package io.kvorum.verification.history;

/** Both checks: the cheap one first, which also has the shorter explanation. */
public final class HistoryCheck {
  private HistoryCheck() {}

  public static Verdict check(History history) {
    Verdict byRevision = RevisionOrder.check(history);
    return byRevision instanceof Verdict.Wrong ? byRevision : Linearizability.check(history);
  }
}
