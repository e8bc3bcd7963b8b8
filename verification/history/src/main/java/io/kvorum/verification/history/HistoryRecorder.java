package io.kvorum.verification.history;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Writes down what clients do. Thread-safe. Grows without bound: one run of a check is as long as
 * memory allows.
 */
public final class HistoryRecorder {
  private static final class Call {
    final int client;
    final Request request;
    final long invokedAt;
    long returnedAt = Operation.NEVER;
    @Nullable Response response;
    boolean refused;

    Call(int client, Request request, long invokedAt) {
      this.client = client;
      this.request = request;
      this.invokedAt = invokedAt;
    }
  }

  private final LongSupplier clock;
  private final List<Call> calls = new ArrayList<>();

  /**
   * @param clock monotonic and the same for all clients, for instance {@code System::nanoTime}
   */
  public HistoryRecorder(LongSupplier clock) {
    this.clock = clock;
  }

  /** A client is about to send this; returns the number by which its end is told. */
  public synchronized int invoke(int client, Request request) {
    calls.add(new Call(client, request, clock.getAsLong()));
    return calls.size() - 1;
  }

  /** The answer has arrived. */
  public synchronized void returned(int id, Response response) {
    Call call = calls.get(id);
    call.response = response;
    call.returnedAt = clock.getAsLong();
  }

  /**
   * It certainly had and will have no effect. For a timeout, or a connection that broke, nothing is
   * told: such an operation stays pending.
   */
  public synchronized void refused(int id) {
    calls.get(id).refused = true;
  }

  public synchronized History history() {
    List<Operation> operations = new ArrayList<>(calls.size());
    for (int id = 0; id < calls.size(); id++) {
      Call call = calls.get(id);
      if (!call.refused) {
        operations.add(
            new Operation(
                id, call.client, call.request, call.invokedAt, call.returnedAt, call.response));
      }
    }
    return new History(operations);
  }
}
