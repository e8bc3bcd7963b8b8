package io.kvorum.verification.conformance.chaos;

import io.kvorum.verification.history.History;
import io.kvorum.verification.history.HistoryRecorder;
import io.kvorum.verification.history.Operation;
import io.kvorum.verification.history.Request;
import io.kvorum.verification.history.Response;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Everything the clients of one round did, and since when each slot's member takes writes. */
final class Recorder {
  private final HistoryRecorder recorder = new HistoryRecorder(System::nanoTime);
  private final Map<Integer, AtomicLong> lastAcknowledged = new ConcurrentHashMap<>();
  private final Map<String, AtomicLong> errors = new ConcurrentHashMap<>();
  private final AtomicInteger clients = new AtomicInteger();

  /** A client asks one thing at a time; whoever was left in doubt goes on under a new number. */
  int newClient() {
    return clients.incrementAndGet();
  }

  int invoke(int client, Request request) {
    return recorder.invoke(client, request);
  }

  void returned(int id, Response response, int slot, long invokedNanos) {
    recorder.returned(id, response);
    if (!changed(response)) return;
    lastAcknowledged
        .computeIfAbsent(slot, s -> new AtomicLong(invokedNanos))
        .accumulateAndGet(invokedNanos, (a, b) -> a - b > 0 ? a : b);
  }

  void refused(int id, String why) {
    recorder.refused(id);
    count(why);
  }

  void inDoubt(String why) {
    count(why);
  }

  private void count(String why) {
    errors.computeIfAbsent(why, w -> new AtomicLong()).incrementAndGet();
  }

  /** How often each error was answered. */
  Map<String, AtomicLong> errors() {
    return errors;
  }

  /** True when a change was acknowledged by this slot's member that was asked for after then. */
  boolean hasWrittenSince(int slot, long nanos) {
    var last = lastAcknowledged.get(slot);
    return last != null && last.get() - nanos >= 0;
  }

  History history() {
    return recorder.history();
  }

  /** Whether a single call with this answer changed the store. */
  static boolean changed(Response response) {
    return switch (response) {
      case Response.Written w -> true;
      case Response.Deleted deleted -> deleted.count() > 0;
      case Response.TxnDone done -> done.succeeded();
      case Response.Got g -> false;
    };
  }

  static boolean changed(Operation operation) {
    return operation.response() != null && changed(operation.response());
  }

  /** The longest time between then and now in which no change was acknowledged. */
  static long longestGapNanos(History history, long sinceNanos, long untilNanos) {
    var acknowledged =
        history.operations().stream()
            .filter(Recorder::changed)
            .mapToLong(Operation::returnedAt)
            .filter(at -> at - sinceNanos >= 0 && untilNanos - at >= 0)
            .sorted()
            .toArray();
    long gap = 0;
    long last = sinceNanos;
    for (long at : acknowledged) {
      gap = Math.max(gap, at - last);
      last = at;
    }
    return Math.max(gap, untilNanos - last);
  }
}
