package io.kvorum.actors.apply;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Callers on this member that wait for their proposals to be applied. All wait equally long, so
 * that one queue in order of arrival tells whose time is up. Thread-safe.
 */
public final class PendingProposals {
  /**
   * Callers that may wait at a time; beyond, proposals are refused with {@code too many requests}.
   */
  static final int MAX_PENDING = 1 << 16;

  private record Deadline(long id, long atNanos) {}

  private final ConcurrentHashMap<Long, CompletableFuture<Outcome<Object>>> pending =
      new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<Deadline> deadlines = new ConcurrentLinkedQueue<>();
  private final AtomicLong lastId;
  private final long timeoutNanos;

  /**
   * @param wallClockMillis time of start; makes ids differ from those of earlier lives of this
   *     member
   * @param timeoutNanos how long a caller waits at most
   */
  public PendingProposals(MemberId self, long wallClockMillis, long timeoutNanos) {
    // etcd's form of a request id: 2 bytes member, 5 bytes milliseconds, then a counter from the
    // last byte up.
    this.lastId = new AtomicLong((self.value() << 48) | ((wallClockMillis & 0xff_ffff_ffffL) << 8));
    this.timeoutNanos = timeoutNanos;
  }

  public long nextId() {
    return lastId.incrementAndGet();
  }

  public int size() {
    return pending.size();
  }

  /** Begins to wait; the future completes with the outcome, or with a timeout. */
  public CompletableFuture<Outcome<Object>> await(long id, long nowNanos) {
    CompletableFuture<Outcome<Object>> future = new CompletableFuture<>();
    if (pending.size() >= MAX_PENDING) {
      future.complete(Outcome.refused(EtcdError.REQUEST_TOO_MANY_REQUESTS));
      return future;
    }
    pending.put(id, future);
    deadlines.add(new Deadline(id, nowNanos + timeoutNanos));
    return future;
  }

  /** Answers a caller, if it is one of this member's and still waits. */
  public void complete(long id, Outcome<Object> outcome) {
    CompletableFuture<Outcome<Object>> future = pending.remove(id);
    if (future != null) {
      future.complete(outcome);
    }
  }

  /**
   * Tells those whose time is up; their proposals may still be applied. Called now and then by one
   * thread.
   */
  public void expire(long nowNanos) {
    Deadline next = deadlines.peek();
    while (next != null && (next.atNanos() - nowNanos <= 0 || !pending.containsKey(next.id()))) {
      deadlines.poll();
      complete(next.id(), Outcome.refused(EtcdError.TIMEOUT));
      next = deadlines.peek();
    }
  }

  /** Answers everybody. */
  public void completeAll(EtcdError error) {
    for (Long id : pending.keySet()) {
      complete(id, Outcome.refused(error));
    }
  }
}
