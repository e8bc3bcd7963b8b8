package io.kvorum.persistence.leveldb;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Lets operations in until it is closed; closing waits for those inside. One atomic addition on
 * each side of an operation, as this stands on the path of every read.
 */
final class OperationGate {

  private static final long CLOSED = Long.MIN_VALUE;

  /** The number of operations inside; negative once closed. */
  private final AtomicLong inside = new AtomicLong();

  private volatile @Nullable Thread closer;

  /** True if the operation may run, and must then call {@link #leave}. */
  boolean enter() {
    if (inside.getAndIncrement() >= 0) {
      return true;
    }
    leave();
    return false;
  }

  void leave() {
    if (inside.decrementAndGet() == CLOSED) {
      LockSupport.unpark(closer);
    }
  }

  /** Lets nobody in any more and waits until nobody is inside. False if it was closed before. */
  boolean close() {
    closer = Thread.currentThread();
    if (inside.getAndUpdate(n -> n < 0 ? n : n + CLOSED) < 0) {
      return false;
    }
    boolean interrupted = false;
    while (inside.get() != CLOSED) {
      LockSupport.park(this);
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return true;
  }
}
