package io.kvorum.server;

import io.kvorum.actors.group.Group;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.Outcome;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.pekko.Done;

/**
 * Reads of a group's store, always on its read executor: LevelDB blocks, and the dispatchers of the
 * actors must not.
 */
final class Reads {
  private final Group group;

  Reads(Group group) {
    this.group = group;
  }

  /** Reads this member's state as it is, without a quorum. */
  <T> CompletionStage<Outcome<T>> local(Function<ReadView, Outcome<T>> read) {
    return CompletableFuture.supplyAsync(() -> inView(read), group.readExecutor());
  }

  /** Reads a state that holds everything acknowledged before the call. */
  <T> CompletionStage<Outcome<T>> linearizable(Function<ReadView, Outcome<T>> read) {
    Thread caller = Thread.currentThread();
    return group
        .linearizableBarrier()
        .thenCompose(
            barrier ->
                switch (barrier) {
                  case Outcome.Refused<Done>(var error) ->
                      CompletableFuture.completedFuture(Outcome.<T>refused(error));
                  // The barrier opens on the read executor, except where it was open already.
                  case Outcome.Ok<Done> open ->
                      Thread.currentThread() == caller
                          ? local(read)
                          : CompletableFuture.completedFuture(inView(read));
                });
  }

  <T> CompletionStage<Outcome<T>> read(boolean serializable, Function<ReadView, Outcome<T>> read) {
    return serializable ? local(read) : linearizable(read);
  }

  /**
   * Begins a read on a read thread, in a state as {@link #read} has it; the read opens a view by
   * itself, and may go on with it afterwards.
   */
  <T> CompletionStage<Outcome<T>> begin(
      boolean serializable, Supplier<CompletionStage<Outcome<T>>> read) {
    if (serializable) {
      return CompletableFuture.supplyAsync(read, group.readExecutor()).thenCompose(stage -> stage);
    }
    Thread caller = Thread.currentThread();
    return group
        .linearizableBarrier()
        .thenCompose(
            barrier ->
                switch (barrier) {
                  case Outcome.Refused<Done>(var error) ->
                      CompletableFuture.completedFuture(Outcome.<T>refused(error));
                  case Outcome.Ok<Done> open ->
                      Thread.currentThread() == caller ? begin(true, read) : read.get();
                });
  }

  private <T> Outcome<T> inView(Function<ReadView, Outcome<T>> read) {
    try (ReadView view = group.view()) {
      return read.apply(view);
    }
  }
}
