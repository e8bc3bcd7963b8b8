package io.kvorum.actors.apply;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;

/**
 * Callers on this member that wait for their proposals to be applied. All of a kind wait equally
 * long, so that one queue in order of arrival tells whose time is up. Thread-safe.
 */
public final class PendingProposals {
  /**
   * Callers that may wait at a time; beyond, proposals are refused with {@code too many requests}.
   */
  static final int MAX_PENDING = 1 << 16;

  /** So many more may wait for what is urgent. */
  static final int MAX_URGENT = 1 << 14;

  /**
   * A membership change waits as long as its client does (etcd sets no limit either); this bounds
   * what clients without a deadline may leave behind.
   */
  private static final long CHANGE_TIMEOUT_NANOS = 600_000_000_000L;

  private record Deadline(long id, long begunNanos, long atNanos) {}

  private final ConcurrentHashMap<Long, CompletableFuture<Outcome<Object>>> pending =
      new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<Deadline> deadlines = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Deadline> changeDeadlines = new ConcurrentLinkedQueue<>();
  private final AtomicLong lastId;
  private final long timeoutNanos;
  private final LongFunction<EtcdError> late;

  /**
   * @param wallClockMillis time of start; makes ids differ from those of earlier lives of this
   *     member
   * @param timeoutNanos how long a caller waits at most
   * @param late what a caller is told whose time is up, by when it began to wait
   */
  public PendingProposals(
      MemberId self, long wallClockMillis, long timeoutNanos, LongFunction<EtcdError> late) {
    // etcd's form of a request id: 2 bytes member, 5 bytes milliseconds, then a counter from the
    // last byte up.
    this.lastId = new AtomicLong((self.value() << 48) | ((wallClockMillis & 0xff_ffff_ffffL) << 8));
    this.timeoutNanos = timeoutNanos;
    this.late = late;
  }

  /** Tells all whose time is up no more than that. */
  public PendingProposals(MemberId self, long wallClockMillis, long timeoutNanos) {
    this(self, wallClockMillis, timeoutNanos, begun -> EtcdError.TIMEOUT);
  }

  public long nextId() {
    return lastId.incrementAndGet();
  }

  public int size() {
    return pending.size();
  }

  /** Begins to wait; the future completes with the outcome, or with a timeout. */
  public CompletableFuture<Outcome<Object>> await(long id, long nowNanos) {
    return await(id, nowNanos, timeoutNanos, deadlines, MAX_PENDING);
  }

  /** Begins to wait for what may go on when no more others can. */
  public CompletableFuture<Outcome<Object>> awaitUrgent(long id, long nowNanos) {
    return await(id, nowNanos, timeoutNanos, deadlines, MAX_PENDING + MAX_URGENT);
  }

  /** Begins to wait for a membership change. */
  public CompletableFuture<Outcome<Object>> awaitChange(long id, long nowNanos) {
    return await(id, nowNanos, CHANGE_TIMEOUT_NANOS, changeDeadlines, MAX_PENDING);
  }

  private CompletableFuture<Outcome<Object>> await(
      long id, long nowNanos, long waitNanos, ConcurrentLinkedQueue<Deadline> queue, int most) {
    CompletableFuture<Outcome<Object>> future = new CompletableFuture<>();
    if (pending.size() >= most) {
      future.complete(Outcome.refused(EtcdError.REQUEST_TOO_MANY_REQUESTS));
      return future;
    }
    pending.put(id, future);
    queue.add(new Deadline(id, nowNanos, nowNanos + waitNanos));
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
    expire(nowNanos, deadlines);
    expire(nowNanos, changeDeadlines);
  }

  private void expire(long nowNanos, ConcurrentLinkedQueue<Deadline> queue) {
    Deadline next = queue.peek();
    while (next != null && (next.atNanos() - nowNanos <= 0 || !pending.containsKey(next.id()))) {
      queue.poll();
      if (pending.containsKey(next.id())) {
        complete(next.id(), Outcome.refused(late.apply(next.begunNanos())));
      }
      next = queue.peek();
    }
  }

  /** Answers everybody. */
  public void completeAll(EtcdError error) {
    for (Long id : pending.keySet()) {
      complete(id, Outcome.refused(error));
    }
  }
}
