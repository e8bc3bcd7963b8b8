package io.kvorum.kvorumutl;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Lets work that was begun be undone when the process is asked to end: the process then waits until
 * this is closed, though not for ever.
 */
final class Cancellation implements AutoCloseable {
  private static final long LIMIT_SECONDS = 30;

  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread hook = Thread.ofPlatform().name("cancel").unstarted(this::cancel);
  private volatile boolean asked;

  Cancellation() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  private void cancel() {
    asked = true;
    try {
      closed.await(LIMIT_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * @throws RefusedException if the process was asked to end
   */
  void check() {
    if (asked) {
      throw new RefusedException("interrupted, nothing was made");
    }
  }

  @Override
  public void close() {
    closed.countDown();
    if (!asked) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // The process has begun to end just now.
        asked = true;
      }
    }
  }
}
