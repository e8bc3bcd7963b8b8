package io.kvorum.server.answers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class SlicesTest {
  private final ArrayDeque<Runnable> threads = new ArrayDeque<>();
  private final List<String> events = new ArrayList<>();

  private final class Named implements Slices.Slice {
    private final String name;

    Named(String name) {
      this.name = name;
    }

    @Override
    public void run() {
      events.add(name);
    }

    @Override
    public void rejected(RejectedExecutionException why) {
      events.add(name + " rejected");
    }
  }

  @Test
  void onlySoManyAtATimeAndInTurn() {
    Slices slices = new Slices(threads::add, 2, () -> 0);
    for (String name : List.of("a", "b", "c", "d")) {
      slices.run(new Named(name));
    }
    assertEquals(2, threads.size());
    while (!threads.isEmpty()) {
      threads.remove().run();
      assertTrue(threads.size() <= 2);
    }
    assertEquals(List.of("a", "b", "c", "d"), events);
    slices.run(new Named("e"));
    assertEquals(1, threads.size());
  }

  @Test
  void aFullPoolRejectsAndIsTriedAgain() {
    boolean[] full = {true};
    Slices slices =
        new Slices(
            task -> {
              if (full[0]) {
                throw new RejectedExecutionException("full");
              }
              threads.add(task);
            },
            1,
            () -> 0);
    slices.run(new Named("a"));
    full[0] = false;
    slices.run(new Named("b"));
    threads.remove().run();
    assertEquals(List.of("a rejected", "b"), events);
  }

  @Test
  void restsWhileSomebodyWrites() throws Exception {
    AtomicLong revision = new AtomicLong();
    Slices slices = new Slices(Runnable::run, 1, revision::incrementAndGet);
    long workNanos = TimeUnit.MILLISECONDS.toNanos(20);
    slices.run(busy(workNanos, new CompletableFuture<>()));
    CompletableFuture<Long> second = new CompletableFuture<>();
    long before = System.nanoTime();
    slices.run(busy(0, second));
    long waited = second.get(20, TimeUnit.SECONDS) - before;
    assertTrue(waited >= workNanos, "waited " + waited + " ns");
  }

  private static Slices.Slice busy(long nanos, CompletableFuture<Long> begun) {
    return new Slices.Slice() {
      @Override
      public void run() {
        long now = System.nanoTime();
        begun.complete(now);
        while (System.nanoTime() - now < nanos) {
          Thread.onSpinWait();
        }
      }

      @Override
      public void rejected(RejectedExecutionException why) {
        begun.completeExceptionally(why);
      }
    };
  }
}
