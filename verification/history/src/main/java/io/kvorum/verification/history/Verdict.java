package io.kvorum.verification.history;

/** What a check of a history found. */
public sealed interface Verdict {

  /** A correct store may have answered so. */
  record Correct(int operations) implements Verdict {}

  /**
   * No correct store answers so.
   *
   * @param explanation a few lines for a reader
   */
  record Wrong(String explanation) implements Verdict {}

  /** The search was given up at its bound. */
  record Undecided(String reason) implements Verdict {}
}
