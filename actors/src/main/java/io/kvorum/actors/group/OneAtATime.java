package io.kvorum.actors.group;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/** Long work in the order in which it was asked for, one at a time. Any thread. */
final class OneAtATime {
  private final Executor executor;
  private final int maxWaiting;
  private int waiting;
  private CompletableFuture<?> last = CompletableFuture.completedFuture(null);

  /**
   * @param executor may be blocked
   * @param maxWaiting with the one that runs; beyond, work is refused as too many requests
   */
  OneAtATime(Executor executor, int maxWaiting) {
    this.executor = executor;
    this.maxWaiting = maxWaiting;
  }

  synchronized <T> CompletionStage<Outcome<T>> run(Supplier<Outcome<T>> work) {
    if (waiting >= maxWaiting) {
      return CompletableFuture.completedFuture(
          Outcome.refused(EtcdError.REQUEST_TOO_MANY_REQUESTS));
    }
    waiting++;
    CompletableFuture<Outcome<T>> result =
        last.handle((done, failure) -> done)
            .thenApplyAsync(
                ignored -> {
                  try {
                    return work.get();
                  } finally {
                    ended();
                  }
                },
                executor);
    last = result;
    return result;
  }

  private synchronized void ended() {
    waiting--;
  }
}
