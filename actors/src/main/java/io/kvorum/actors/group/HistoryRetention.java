package io.kvorum.actors.group;

import java.time.Duration;

/** How much history a group keeps by itself: the leader has the rest compacted. */
public sealed interface HistoryRetention {

  /** All of it. */
  record Everything() implements HistoryRetention {}

  /**
   * That of the last while.
   *
   * @param period longer than zero
   */
  record Period(Duration period) implements HistoryRetention {}

  /**
   * The last revisions.
   *
   * @param revisions more than zero
   */
  record Revisions(long revisions) implements HistoryRetention {}
}
