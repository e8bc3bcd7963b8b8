package io.kvorum.actors.group;

import io.kvorum.protocol.MemberId;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;

/** Who leads, since when, and who waits for it to be somebody else. Thread-safe. */
final class Leadership {
  /** Callers that may wait at a time; beyond, they are told at once that their time is up. */
  static final int MAX_WAITING = 1024;

  private record Waiter(
      Predicate<MemberId> wanted, long deadlineNanos, CompletableFuture<Boolean> future) {}

  private final List<Waiter> waiters = new ArrayList<>();
  private volatile MemberId leader = MemberId.NONE;
  private volatile long electedAtNanos;
  private volatile boolean elected;

  MemberId leader() {
    return leader;
  }

  void changed(MemberId next, long nowNanos) {
    List<Waiter> done = new ArrayList<>();
    synchronized (waiters) {
      leader = next;
      if (!next.equals(MemberId.NONE)) {
        electedAtNanos = nowNanos;
        elected = true;
      }
      take(waiter -> waiter.wanted().test(next), done);
    }
    done.forEach(waiter -> waiter.future().complete(true));
  }

  /** Whether the newest leader was elected after this time, at most {@code nanos} later. */
  boolean electedWithin(long nanos, long afterNanos) {
    long later = electedAtNanos - afterNanos;
    return elected && later > 0 && later < nanos;
  }

  /** Completes with true when such a member leads, with false when time is up. */
  CompletableFuture<Boolean> await(Predicate<MemberId> wanted, long deadlineNanos) {
    CompletableFuture<Boolean> future = new CompletableFuture<>();
    synchronized (waiters) {
      if (wanted.test(leader)) {
        future.complete(true);
      } else if (waiters.size() >= MAX_WAITING) {
        future.complete(false);
      } else {
        waiters.add(new Waiter(wanted, deadlineNanos, future));
      }
    }
    return future;
  }

  /** Ends the waits whose time is up. Called now and then by one thread. */
  void expire(long nowNanos) {
    List<Waiter> late = new ArrayList<>();
    synchronized (waiters) {
      take(waiter -> waiter.deadlineNanos() - nowNanos <= 0, late);
    }
    late.forEach(waiter -> waiter.future().complete(false));
  }

  private void take(Predicate<Waiter> which, List<Waiter> to) {
    for (Iterator<Waiter> all = waiters.iterator(); all.hasNext(); ) {
      Waiter waiter = all.next();
      if (which.test(waiter)) {
        all.remove();
        to.add(waiter);
      }
    }
  }
}
