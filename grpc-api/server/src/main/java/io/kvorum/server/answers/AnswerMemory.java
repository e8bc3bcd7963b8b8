package io.kvorum.server.answers;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The account of the bytes of large answers that are in memory. Whoever wants to read takes a share
 * first, and waits for it in turn when there is none; whoever has read already may overdraw it, up
 * to twice the budget. Thread-safe; callbacks run on the thread that made room.
 */
final class AnswerMemory {
  /** Those that may wait for a share; beyond, they are refused with {@code too many requests}. */
  static final int MAX_WAITING = 8192;

  private final long budgetBytes;
  private final ArrayDeque<Waiting> queue = new ArrayDeque<>();
  private long usedBytes;

  AnswerMemory(long budgetBytes) {
    this.budgetBytes = budgetBytes;
  }

  /** Some bytes of the budget; whoever holds it gives it back once, by {@link #release}. */
  final class Share {
    private long bytes;

    private Share(long bytes) {
      this.bytes = bytes;
    }

    /** To what is really held, which may be more than was taken. */
    void resize(long to) {
      List<Waiting> granted;
      synchronized (AnswerMemory.this) {
        usedBytes += to - bytes;
        bytes = to;
        granted = grant();
      }
      granted.forEach(Waiting::run);
    }

    /** Doing it twice does no harm. */
    void release() {
      resize(0);
    }
  }

  /** A place in the queue. */
  final class Waiting {
    private final long bytes;
    private final Consumer<Share> whenGranted;
    private @Nullable Share share;

    private Waiting(long bytes, Consumer<Share> whenGranted) {
      this.bytes = bytes;
      this.whenGranted = whenGranted;
    }

    private void run() {
      Share granted = share;
      if (granted != null) {
        whenGranted.accept(granted);
      }
    }

    /** Leaves the queue; false if the share is granted already, and comes. */
    boolean cancel() {
      synchronized (AnswerMemory.this) {
        return share == null && queue.remove(this);
      }
    }
  }

  /** A share at once, or null if it is not there, or others wait. */
  synchronized @Nullable Share tryTake(long bytes) {
    return queue.isEmpty() && fits(bytes) ? give(bytes) : null;
  }

  /**
   * A share as soon as it is there and all who asked before have theirs.
   *
   * @throws RejectedExecutionException if too many wait
   */
  Waiting take(long bytes, Consumer<Share> whenGranted) {
    Waiting waiting = new Waiting(bytes, whenGranted);
    List<Waiting> granted;
    synchronized (this) {
      if (queue.size() >= MAX_WAITING) {
        throw new RejectedExecutionException(MAX_WAITING + " reads wait for memory");
      }
      queue.add(waiting);
      granted = grant();
    }
    granted.forEach(Waiting::run);
    return waiting;
  }

  /** A share for what is in memory already; null if the account is overdrawn too far. */
  synchronized @Nullable Share overdraw(long bytes) {
    return usedBytes + bytes <= 2 * budgetBytes ? give(bytes) : null;
  }

  synchronized boolean someoneWaits() {
    return !queue.isEmpty();
  }

  synchronized long usedBytes() {
    return usedBytes;
  }

  long budgetBytes() {
    return budgetBytes;
  }

  /** Who alone wants more than the budget gets it. */
  private boolean fits(long bytes) {
    return usedBytes == 0 || usedBytes + bytes <= budgetBytes;
  }

  private Share give(long bytes) {
    usedBytes += bytes;
    return new Share(bytes);
  }

  private List<Waiting> grant() {
    List<Waiting> granted = new ArrayList<>(1);
    for (Waiting next = queue.peek(); next != null && fits(next.bytes); next = queue.peek()) {
      queue.remove();
      next.share = give(next.bytes);
      granted.add(next);
    }
    return granted;
  }
}
