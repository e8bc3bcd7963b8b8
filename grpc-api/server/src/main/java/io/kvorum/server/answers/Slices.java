package io.kvorum.server.answers;

import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Work on large answers in slices of time, by turns, on few of the threads that all reads share:
 * small reads find the others free, and writes find a processor. Thread-safe.
 */
final class Slices {
  /** How long a slice should be at most. */
  static final long SLICE_NANOS = 10_000_000;

  /** A piece of work that is short. */
  interface Slice {
    void run();

    /** In its place, if the threads take no more work. */
    void rejected(RejectedExecutionException why);
  }

  private final Executor executor;
  private final int atATime;
  private final ArrayDeque<Slice> queue = new ArrayDeque<>();
  private int running;

  Slices(Executor executor, int atATime) {
    this.executor = executor;
    this.atATime = atATime;
  }

  /** Half of the processors, so that the other half is there for everybody else. */
  static int half() {
    return Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
  }

  void run(Slice slice) {
    synchronized (this) {
      queue.add(slice);
      if (running == atATime) {
        return;
      }
      running++;
    }
    submit();
  }

  private void submit() {
    try {
      executor.execute(this::runNext);
    } catch (RejectedExecutionException e) {
      Slice next;
      synchronized (this) {
        next = queue.poll();
        running--;
      }
      if (next != null) {
        next.rejected(e);
      }
    }
  }

  /** One slice, and then whoever else waits for the thread. */
  private void runNext() {
    Slice next = poll();
    try {
      if (next != null) {
        next.run();
      }
    } finally {
      synchronized (this) {
        if (queue.isEmpty()) {
          running--;
          next = null;
        }
      }
      if (next != null) {
        submit();
      }
    }
  }

  private synchronized @Nullable Slice poll() {
    return queue.poll();
  }
}
