package io.kvorum.actors.apply;

import io.kvorum.protocol.LogPosition;
import java.util.PriorityQueue;

/** How far the state machine has come, and who waits for it to get further. Thread-safe. */
public final class AppliedIndex {
  private record Waiter(long index, Runnable then) {}

  private final PriorityQueue<Waiter> waiters =
      new PriorityQueue<>((a, b) -> Long.compare(a.index(), b.index()));
  private volatile LogPosition applied;

  public AppliedIndex(LogPosition applied) {
    this.applied = applied;
  }

  /** Position of the newest entry whose effects can be read. */
  public LogPosition get() {
    return applied;
  }

  /**
   * Runs {@code then} once the entry at {@code index} is applied: at once on this thread, or later
   * on the applier's.
   */
  public void whenReached(long index, Runnable then) {
    if (applied.index() < index) {
      synchronized (waiters) {
        if (applied.index() < index) {
          waiters.add(new Waiter(index, then));
          return;
        }
      }
    }
    then.run();
  }

  /** The applier has come to this position. */
  public void advance(LogPosition position) {
    applied = position;
    while (true) {
      Waiter next;
      synchronized (waiters) {
        next = waiters.peek();
        if (next == null || next.index() > position.index()) {
          return;
        }
        waiters.remove();
      }
      next.then().run();
    }
  }
}
