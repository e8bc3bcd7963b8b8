package io.kvorum.actors.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** Order, bound, and that a failure holds nobody up. */
class OneAtATimeTest {

  private final ArrayDeque<Runnable> threads = new ArrayDeque<>();
  private final OneAtATime turns = new OneAtATime(threads::add, 3);
  private final List<String> done = new ArrayList<>();

  private CompletableFuture<Outcome<String>> run(String name) {
    return turns
        .run(
            () -> {
              done.add(name);
              if (name.equals("bad")) {
                throw new IllegalStateException(name);
              }
              return Outcome.ok(name);
            })
        .toCompletableFuture();
  }

  @Test
  void inTurn() {
    CompletableFuture<Outcome<String>> first = run("first");
    CompletableFuture<Outcome<String>> bad = run("bad");
    CompletableFuture<Outcome<String>> last = run("last");
    assertEquals(Outcome.refused(EtcdError.REQUEST_TOO_MANY_REQUESTS), run("refused").join());
    assertEquals(1, threads.size());
    threads.remove().run();
    assertEquals(Outcome.ok("first"), first.join());
    assertEquals(1, threads.size());
    CompletableFuture<Outcome<String>> room = run("room");
    threads.remove().run();
    assertThrows(CompletionException.class, bad::join);
    threads.remove().run();
    threads.remove().run();
    assertEquals(Outcome.ok("last"), last.join());
    assertEquals(Outcome.ok("room"), room.join());
    assertEquals(List.of("first", "bad", "last", "room"), done);
  }
}
