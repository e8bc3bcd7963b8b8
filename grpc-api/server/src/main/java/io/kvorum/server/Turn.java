package io.kvorum.server;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A call that waits for its turn, until the client does not any more. */
final class Turn {
  /** How it ended. */
  enum Came {
    /** Without waiting, and the caller's own key was there at that moment. */
    AT_ONCE,
    /** What has become of the caller's own key is not known. */
    AFTER_WAITING,
    /** The client has gone before. */
    NEVER
  }

  private static final Runnable OVER = () -> {};
  private final AtomicReference<@Nullable Runnable> stop = new AtomicReference<>();

  /** The client has gone: what waits now, or later, ends at once. */
  void cancel() {
    Runnable waiting = stop.getAndSet(OVER);
    if (waiting != null) {
      waiting.run();
    }
  }

  /**
   * @param end of waiting; run when the client goes, or now if it has gone
   */
  void waits(Runnable end) {
    Runnable before = stop.get();
    if (before == OVER || !stop.compareAndSet(before, end)) {
      end.run();
    }
  }
}
