package io.kvorum.actors.group;

import io.kvorum.actors.apply.AppliedIndex;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongConsumer;
import org.apache.pekko.Done;

/**
 * Shares read rounds among this member's linearizable reads: one request to the replica is in
 * flight at a time, and all reads that arrived before it was made are answered by it. Thread-safe.
 */
public final class ReadCoordinator {
  /** Reads that may wait at a time; beyond, they are refused with {@code too many requests}. */
  static final int MAX_WAITING = 1 << 16;

  private record Read(CompletableFuture<Outcome<Done>> future, long deadlineNanos) {}

  private final LongConsumer requestReadIndex;
  private final AppliedIndex applied;
  private final Executor executor;
  private final long timeoutNanos;
  private final long resendNanos;

  private List<Read> waiting = new ArrayList<>();
  private List<Read> inRound = List.of();
  private long token;
  private long sentAtNanos;

  /**
   * @param requestReadIndex asks the replica, with a token
   * @param executor on which reads go on
   * @param resendNanos an unanswered request is repeated after this time
   * @param firstToken tokens are counted from here. Not the same in two lives of a member: an
   *     answer that was on its way to the one before must not be taken for one to this one
   */
  public ReadCoordinator(
      LongConsumer requestReadIndex,
      AppliedIndex applied,
      Executor executor,
      long timeoutNanos,
      long resendNanos,
      long firstToken) {
    this.requestReadIndex = requestReadIndex;
    this.applied = applied;
    this.executor = executor;
    this.timeoutNanos = timeoutNanos;
    this.resendNanos = resendNanos;
    this.token = firstToken;
  }

  public CompletableFuture<Outcome<Done>> barrier(long nowNanos) {
    CompletableFuture<Outcome<Done>> future = new CompletableFuture<>();
    long begun;
    synchronized (this) {
      if (waiting.size() >= MAX_WAITING) {
        future.complete(Outcome.refused(EtcdError.REQUEST_TOO_MANY_REQUESTS));
        return future;
      }
      waiting.add(new Read(future, nowNanos + timeoutNanos));
      begun = beginRound(nowNanos);
    }
    request(begun);
    return future;
  }

  /** Returns the token of a round that must be asked for, or 0. The caller holds the lock. */
  private long beginRound(long nowNanos) {
    if (!inRound.isEmpty() || waiting.isEmpty()) {
      return 0;
    }
    inRound = waiting;
    waiting = new ArrayList<>();
    sentAtNanos = nowNanos;
    return ++token;
  }

  private void request(long begun) {
    if (begun != 0) {
      requestReadIndex.accept(begun);
    }
  }

  /** The replica's answer. */
  public void confirmed(long confirmedToken, long index, long nowNanos) {
    List<Read> done;
    long begun;
    synchronized (this) {
      if (confirmedToken != token || inRound.isEmpty()) {
        return;
      }
      done = inRound;
      inRound = List.of();
      begun = beginRound(nowNanos);
    }
    request(begun);
    applied.whenReached(index, () -> done.forEach(this::release));
  }

  private void release(Read read) {
    try {
      executor.execute(() -> read.future().complete(Outcome.ok(Done.getInstance())));
    } catch (RejectedExecutionException e) {
      read.future().complete(Outcome.refused(EtcdError.REQUEST_TOO_MANY_REQUESTS));
    }
  }

  /**
   * Repeats a request that was not answered, and ends reads whose time is up. Called now and then
   * by one thread.
   */
  public void expire(long nowNanos) {
    List<Read> late = new ArrayList<>();
    long begun = 0;
    synchronized (this) {
      inRound = takeLate(inRound, nowNanos, late);
      waiting = takeLate(waiting, nowNanos, late);
      if (inRound.isEmpty()) {
        begun = beginRound(nowNanos);
      } else if (nowNanos - sentAtNanos >= resendNanos) {
        sentAtNanos = nowNanos;
        begun = ++token;
      }
    }
    request(begun);
    late.forEach(r -> r.future().complete(Outcome.refused(EtcdError.TIMEOUT)));
  }

  private static List<Read> takeLate(List<Read> reads, long nowNanos, List<Read> late) {
    if (reads.isEmpty() || reads.getFirst().deadlineNanos() - nowNanos > 0) {
      return reads;
    }
    List<Read> rest = new ArrayList<>(reads);
    while (!rest.isEmpty() && rest.getFirst().deadlineNanos() - nowNanos <= 0) {
      late.add(rest.removeFirst());
    }
    return rest;
  }

  /** Somebody leads again: asks at once what nobody has answered. */
  void leaderElected(long nowNanos) {
    long begun = 0;
    synchronized (this) {
      if (!inRound.isEmpty()) {
        sentAtNanos = nowNanos;
        begun = ++token;
      }
    }
    request(begun);
  }

  /** Ends every read that waits. */
  public void failAll(EtcdError error) {
    List<Read> all;
    synchronized (this) {
      all = new ArrayList<>(inRound);
      all.addAll(waiting);
      inRound = List.of();
      waiting = new ArrayList<>();
    }
    all.forEach(r -> r.future().complete(Outcome.refused(error)));
  }
}
