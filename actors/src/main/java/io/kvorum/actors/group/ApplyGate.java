package io.kvorum.actors.group;

import io.kvorum.actors.apply.AppliedIndex;
import java.time.Duration;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Holds proposals back while the applier is far behind: for a moment, since a stall of the disk
 * passes, and then refuses them. etcd refuses at once. Thread-safe.
 */
final class ApplyGate {
  /**
   * Entries that may wait for the applier (etcd's maxGapBetweenApplyAndCommitIndex). As in etcd,
   * those do not count that others have committed while this member's log is still to take them.
   */
  static final long MAX_LAG_ENTRIES = 5000;

  static final long MAX_WAIT_NANOS = Duration.ofSeconds(1).toNanos();
  static final long MAX_WAITING_BYTES = 32L << 20;

  private record Waiting(long untilNanos, long bytes, Runnable pass, Runnable refuse) {}

  private final AppliedIndex applied;
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
  private long waitingBytes;
  private boolean awaitingApplier;
  private volatile long delivered;

  ApplyGate(AppliedIndex applied) {
    this.applied = applied;
  }

  /** Entries up to this one are the applier's. */
  void delivered(long index) {
    delivered = index;
  }

  /**
   * Runs one of the two, now or later: {@code pass} when the applier is near enough, {@code refuse}
   * after {@link #MAX_WAIT_NANOS}, or at once if too much waits.
   */
  void enter(long bytes, long nowNanos, Runnable pass, Runnable refuse) {
    long near = delivered - MAX_LAG_ENTRIES;
    if (applied.get().index() >= near) {
      pass.run();
      return;
    }
    boolean room;
    boolean first = false;
    synchronized (this) {
      room = waitingBytes + bytes <= MAX_WAITING_BYTES;
      if (room) {
        waiting.add(new Waiting(nowNanos + MAX_WAIT_NANOS, bytes, pass, refuse));
        waitingBytes += bytes;
        first = !awaitingApplier;
        awaitingApplier = true;
      }
    }
    if (!room) {
      refuse.run();
    } else if (first) {
      applied.whenReached(near, this::open);
    }
  }

  private void open() {
    ArrayDeque<Waiting> let;
    synchronized (this) {
      awaitingApplier = false;
      let = new ArrayDeque<>(waiting);
      waiting.clear();
      waitingBytes = 0;
    }
    let.forEach(each -> each.pass().run());
  }

  /** Refuses who has waited too long. Called now and then. */
  void expire(long nowNanos) {
    Waiting late = takeLate(nowNanos);
    while (late != null) {
      late.refuse().run();
      late = takeLate(nowNanos);
    }
  }

  private synchronized @Nullable Waiting takeLate(long nowNanos) {
    Waiting first = waiting.peek();
    if (first == null || first.untilNanos() - nowNanos > 0) {
      return null;
    }
    waitingBytes -= first.bytes();
    return waiting.poll();
  }
}
