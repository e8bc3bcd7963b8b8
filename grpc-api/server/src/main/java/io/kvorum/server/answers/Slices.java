package io.kvorum.server.answers;

import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Work on large answers in slices of time, by turns, on few of the threads that all reads share:
 * small reads find the others free. While somebody writes it rests, too, twice as long as it works,
 * so that writes find a processor. Thread-safe.
 */
final class Slices {
  private static final Logger log = LoggerFactory.getLogger(Slices.class);

  /** How long a slice should be at most. */
  static final long SLICE_NANOS = 10_000_000;

  /** Rest for each nanosecond of work, while somebody writes. */
  private static final int REST_FOR_WORK = 2;

  /** A shorter rest is not worth a timer, and is added to the next. */
  private static final long SHORTEST_REST_NANOS = 100_000;

  /** A piece of work that is short. */
  interface Slice {
    void run();

    /** In its place, if the threads take no more work. */
    void rejected(RejectedExecutionException why);
  }

  private final Executor executor;
  private final int atATime;
  private final LongSupplier writes;
  private final ArrayDeque<Slice> queue = new ArrayDeque<>();
  private int running;
  private long writesSeen;
  private long notBeforeNanos = System.nanoTime();

  /**
   * @param writes moves whenever something is written; asked on the executor
   */
  Slices(Executor executor, int atATime, LongSupplier writes) {
    this.executor = executor;
    this.atATime = atATime;
    this.writes = writes;
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
    submitWhenRested();
  }

  private void submitWhenRested() {
    long rest;
    synchronized (this) {
      rest = notBeforeNanos - System.nanoTime();
    }
    if (rest < SHORTEST_REST_NANOS) {
      submit();
    } else {
      CompletableFuture.delayedExecutor(rest, TimeUnit.NANOSECONDS, Runnable::run)
          .execute(this::submit);
    }
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
    long begunNanos = System.nanoTime();
    Slice next = poll();
    boolean goesOn = false;
    try {
      if (next != null) {
        next.run();
      }
    } finally {
      goesOn = done(begunNanos);
    }
    if (goesOn) {
      submitWhenRested();
    }
  }

  private synchronized @Nullable Slice poll() {
    return queue.poll();
  }

  /** Whether there is more to do. */
  private boolean done(long begunNanos) {
    long written = 0;
    boolean known = false;
    try {
      written = writes.getAsLong();
      known = true;
    } catch (IllegalStateException closing) {
      log.debug("nobody writes to a store that is closed", closing);
    }
    long now = System.nanoTime();
    synchronized (this) {
      if (known && written != writesSeen) {
        writesSeen = written;
        long rest = REST_FOR_WORK * (now - begunNanos) / atATime;
        notBeforeNanos = Math.max(notBeforeNanos, now) + rest;
      }
      if (queue.isEmpty()) {
        running--;
        return false;
      }
      return true;
    }
  }
}
