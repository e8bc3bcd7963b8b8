package io.kvorum.actors.watch;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * The hub's door to one client stream: what waits for it, a bell that is rung once however much
 * that is, and the stream's credit: what was handed over, or read of the past, and has not been
 * taken by the client. The hub charges, the stream releases; neither waits for a message of the
 * other, since at full fan-out acknowledgements would be as many as deliveries.
 *
 * <p>What waits is bounded by the credit, and by the stream's own subscriptions and questions.
 */
final class StreamPort {

  /** What all streams of a group hold together. */
  static final class Budget {
    private final long bytesMax;
    private final LongAdder bytes = new LongAdder();

    Budget(long bytesMax) {
      this.bytesMax = bytesMax;
    }

    boolean isSpent() {
      return held() >= bytesMax;
    }

    long held() {
      return bytes.sum();
    }
  }

  private final Runnable bell;
  private final long bytesMax;
  private final Budget budget;
  private final ConcurrentLinkedQueue<HubReply> inbox = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean rung = new AtomicBoolean();
  private final AtomicLong bytes = new AtomicLong();

  /**
   * @param bell rung when there is something to {@link #drain}, and not again before that is done
   */
  StreamPort(Runnable bell, long bytesMax, Budget budget) {
    this.bell = bell;
    this.bytesMax = bytesMax;
    this.budget = budget;
  }

  /** The hub only. */
  void reply(HubReply reply) {
    inbox.add(reply);
    if (!rung.get() && rung.compareAndSet(false, true)) {
      bell.run();
    }
  }

  /** The stream only. */
  void drain(Consumer<HubReply> action) {
    rung.set(false);
    for (var reply = inbox.poll(); reply != null; reply = inbox.poll()) {
      action.accept(reply);
    }
  }

  /** The hub only, once the stream is over: what it will not take any more. */
  void abandon() {
    drain(
        reply -> {
          if (reply instanceof HubReply.Delivered(var deliveries, _)) {
            deliveries.forEach(delivery -> release(delivery.charge()));
          }
        });
  }

  /**
   * Whether one more revision may be handed over; it may be larger than what is left. Where all
   * streams together have used up theirs, only one that has taken everything gets more.
   */
  boolean hasCredit() {
    long held = bytes.get();
    return held < bytesMax && (held == 0 || !budget.isSpent());
  }

  /** Whether all streams together hold as much as they may, or more. */
  boolean isBudgetSpent() {
    return budget.isSpent();
  }

  /** For what the hub hands over, and what the stream takes from the past by itself. */
  void charge(long charged) {
    bytes.addAndGet(charged);
    budget.bytes.add(charged);
  }

  void release(long charged) {
    bytes.addAndGet(-charged);
    budget.bytes.add(-charged);
  }
}
