package io.kvorum.actors.group;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Renewals that another member has to answer: those that come while some are on their way share the
 * next question. What a member that leads no more did not answer is asked of the next, until the
 * time of the call is up. Thread-safe.
 */
final class RenewalForwarder {
  /** Renewals that may wait at a time; beyond, they are refused with {@code too many requests}. */
  static final int MAX_WAITING = 1 << 16;

  /** Of one question. */
  static final int MAX_BATCH = 2048;

  /** Several, as the answer to one may have to wait until a lease is gone. */
  static final int MAX_QUESTIONS = 4;

  /** Between attempts, as in etcd. */
  private static final Duration PAUSE = Duration.ofMillis(50);

  private record Renewal(long lease, long deadlineNanos, CompletableFuture<Outcome<Long>> future) {}

  /** What is asked: answered in order, or failed as a whole. */
  interface Question extends Function<List<Long>, CompletionStage<List<Outcome<Long>>>> {}

  private final Question question;
  private final long timeoutNanos;
  private final Executor later;
  private final ArrayDeque<Renewal> waiting = new ArrayDeque<>();
  private int questions;

  RenewalForwarder(Question question, Duration timeout) {
    this.question = question;
    this.timeoutNanos = timeout.toNanos();
    this.later = CompletableFuture.delayedExecutor(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
  }

  CompletionStage<Outcome<Long>> renew(long lease) {
    CompletableFuture<Outcome<Long>> future = new CompletableFuture<>();
    boolean room;
    synchronized (waiting) {
      room = waiting.size() < MAX_WAITING;
      if (room) {
        waiting.add(new Renewal(lease, System.nanoTime() + timeoutNanos, future));
      }
    }
    if (room) {
      ask();
    } else {
      future.complete(Outcome.refused(EtcdError.REQUEST_TOO_MANY_REQUESTS));
    }
    return future;
  }

  private void ask() {
    List<Renewal> batch = new ArrayList<>();
    synchronized (waiting) {
      if (questions == MAX_QUESTIONS || waiting.isEmpty()) {
        return;
      }
      questions++;
      while (!waiting.isEmpty() && batch.size() < MAX_BATCH) {
        batch.add(waiting.remove());
      }
    }
    question
        .apply(batch.stream().map(Renewal::lease).toList())
        .whenComplete(
            (answers, failure) -> {
              if (failure != null || answers.size() != batch.size()) {
                later.execute(() -> again(batch));
              } else {
                answered(batch, answers);
              }
            });
  }

  private void answered(List<Renewal> batch, List<Outcome<Long>> answers) {
    List<Renewal> unanswered = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      if (answers.get(i) instanceof Outcome.Refused<Long>(var error)
          && error == EtcdError.NOT_LEADER) {
        unanswered.add(batch.get(i));
      } else {
        batch.get(i).future().complete(answers.get(i));
      }
    }
    if (unanswered.isEmpty()) {
      again(unanswered);
    } else {
      later.execute(() -> again(unanswered));
    }
  }

  /** The question is over; what it left unanswered comes before all others. */
  private void again(List<Renewal> unanswered) {
    long now = System.nanoTime();
    List<Renewal> late = new ArrayList<>();
    synchronized (waiting) {
      questions--;
      for (Renewal renewal : unanswered.reversed()) {
        if (renewal.deadlineNanos() - now <= 0) {
          late.add(renewal);
        } else {
          waiting.addFirst(renewal);
        }
      }
    }
    late.forEach(renewal -> renewal.future().complete(Outcome.refused(EtcdError.TIMEOUT)));
    ask();
  }
}
