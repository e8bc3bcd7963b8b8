package io.kvorum.verification.conformance.chaos;

import io.kvorum.verification.history.History;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/**
 * One fault under load, healed, and what it showed.
 *
 * @param what was done to whom
 * @param wentOnAfter from the fault until a write was acknowledged that was asked for after it;
 *     empty where none could be
 * @param healedAfter from the healing until every member had acknowledged a write
 * @param longestGap the longest time without any acknowledged write, over fault and healing
 * @param snapshotReceived true when a follower that was away was seen to get a snapshot
 * @param undecided true when the search for an order was given up at its bound
 */
record Round(
    int number,
    Fault fault,
    String what,
    Optional<Duration> wentOnAfter,
    Duration healedAfter,
    Duration longestGap,
    long answered,
    long inDoubt,
    long revision,
    boolean snapshotReceived,
    boolean undecided) {
  /** The default of etcd and of Kvorum, with which the members run. */
  static final Duration ELECTION_TIMEOUT = Duration.ofSeconds(1);

  /** Writes go on within this after a minority was lost. */
  static final Duration GO_ON_LIMIT = ELECTION_TIMEOUT.multipliedBy(10);

  /** Each member takes writes within this after the fault was taken back. */
  static final Duration HEAL_LIMIT = ELECTION_TIMEOUT.multipliedBy(15);

  static Round of(
      int number,
      Fault fault,
      String what,
      Optional<Duration> wentOnAfter,
      Duration healedAfter,
      Duration longestGap,
      History told,
      long revision,
      boolean snapshotReceived,
      boolean undecided) {
    int answered = told.answered();
    return new Round(
        number,
        fault,
        what,
        wentOnAfter,
        healedAfter,
        longestGap,
        answered,
        told.operations().size() - answered,
        revision,
        snapshotReceived,
        undecided);
  }

  @Override
  public String toString() {
    return "round %d: %s (%s): %sall take writes %s after healing, longest gap %s; %d answers, %d in doubt, equal at revision %d%s%s"
        .formatted(
            number,
            fault.title(),
            what,
            wentOnAfter.map(after -> "writes go on after " + seconds(after) + ", ").orElse(""),
            seconds(healedAfter),
            seconds(longestGap),
            answered,
            inDoubt,
            revision,
            snapshotReceived ? "; a snapshot was received" : "",
            undecided ? "; order not found within the bound" : "");
  }

  static String seconds(Duration length) {
    return String.format(Locale.ROOT, "%.2f s", length.toMillis() / 1000.0);
  }
}
