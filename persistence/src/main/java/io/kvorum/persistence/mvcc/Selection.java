package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Takes records in key order and keeps the first {@code limit} of them in the wanted order. It
 * never holds more than that many, so that the newest ten of a million need room for ten. Equal
 * records keep their key order in both directions.
 */
final class Selection {

  private record Ranked(KeyValue record, long arrival) {}

  private final @Nullable Comparator<Ranked> order;
  private final long limit;
  private final long candidates;
  private final List<KeyValue> inKeyOrder = new ArrayList<>();
  private final @Nullable PriorityQueue<Ranked> lastFirst;
  private long offered;

  /**
   * @param order null for key order
   * @param limit none if not positive
   * @param candidates only so many of the offered records take part
   */
  Selection(@Nullable Comparator<KeyValue> order, long limit, long candidates) {
    this.limit = limit > 0 ? limit : Long.MAX_VALUE;
    this.candidates = candidates;
    if (order == null) {
      this.order = null;
      this.lastFirst = null;
    } else {
      this.order = Comparator.comparing(Ranked::record, order).thenComparingLong(Ranked::arrival);
      this.lastFirst = new PriorityQueue<>(this.order.reversed());
    }
  }

  /** False when no further record can change the outcome, {@link #hasMore} included. */
  boolean wantsMore() {
    return offered < candidates && (lastFirst != null || offered <= limit);
  }

  /** False if it would have to hold more than the allowance. */
  boolean offer(KeyValue record, AnswerAllowance allowance) {
    offered++;
    if (lastFirst != null) {
      lastFirst.add(new Ranked(record, offered));
      if (lastFirst.size() > limit) {
        Ranked last = lastFirst.remove();
        allowance.giveBack(last.record());
      }
      return allowance.take(record);
    }
    if (offered > limit) {
      return true;
    }
    inKeyOrder.add(record);
    return allowance.take(record);
  }

  /** Whether there were more than the limit. */
  boolean hasMore() {
    return offered > limit;
  }

  void forEachChosen(Consumer<KeyValue> use) {
    if (lastFirst == null || order == null) {
      inKeyOrder.forEach(use);
      return;
    }
    List<Ranked> chosen = new ArrayList<>(lastFirst);
    chosen.sort(order);
    chosen.forEach(ranked -> use.accept(ranked.record()));
  }
}
