package io.kvorum.verification.history;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Histories of random clients on a real store: found correct as they are, and wrong once one answer
 * is falsified where all orders, tried one by one, say so too.
 *
 * <p>Replay one seed: {@code mvn -pl verification/history test -Dtest=RandomHistoryTest
 * -Dhistory.seed=N}.
 */
final class RandomHistoryTest {
  static IntStream seeds() {
    Integer one = Integer.getInteger("history.seed");
    return one == null ? IntStream.range(0, 600) : IntStream.of(one);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void whatAStoreDidIsCorrect(int seed) {
    History history = new Store(seed, 3, 200, 3).run();
    assertInstanceOf(Verdict.Correct.class, HistoryCheck.check(history), () -> "seed " + seed);
  }

  /** A verdict on a falsified small history is that of trying every order. */
  @ParameterizedTest
  @MethodSource("seeds")
  void agreesWithEveryOrderTried(int seed) {
    History history = new Store(seed, 3, 7 + seed % 2, 1 + seed % 3).run();
    History falsified = falsify(history, new SplittableRandom(seed));
    boolean possible =
        existsOrder(falsified.operations(), new ArrayList<>(), StoreModel.State.EMPTY);
    if (possible) {
      assertInstanceOf(
          Verdict.Correct.class, Linearizability.check(falsified), () -> "seed " + seed);
    } else {
      // Partitions know nothing of each other's revisions; the order of revisions knows.
      assertInstanceOf(Verdict.Wrong.class, HistoryCheck.check(falsified), () -> "seed " + seed);
    }
  }

  @Test
  void manyOperationsAreQuick() {
    History history = new Store(1, 6, 5000, 2).run();
    assertInstanceOf(Verdict.Correct.class, HistoryCheck.check(history));
  }

  private static boolean existsOrder(
      List<Operation> all, List<Operation> done, StoreModel.State state) {
    if (done.containsAll(all.stream().filter(o -> !o.isPending()).toList())) {
      return true;
    }
    for (Operation next : all) {
      boolean due =
          !done.contains(next)
              && all.stream()
                  .noneMatch(o -> !done.contains(o) && o.returnedAt() < next.invokedAt());
      if (due) {
        for (StoreModel.State after : StoreModel.step(state, next)) {
          List<Operation> more = new ArrayList<>(done);
          more.add(next);
          if (existsOrder(all, more, after)) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /** Moves one answered operation in time, or lets a read see another version. */
  private static History falsify(History history, SplittableRandom random) {
    List<Operation> operations = new ArrayList<>(history.operations());
    int at = random.nextInt(operations.size());
    Operation old = operations.get(at);
    if (old.response() == null) {
      return history;
    }
    if (old.response() instanceof Response.Got got && random.nextBoolean()) {
      Response.Version version = got.version() == null ? new Response.Version("v1", 2) : null;
      operations.set(
          at,
          new Operation(
              old.id(),
              old.client(),
              old.request(),
              old.invokedAt(),
              old.returnedAt(),
              new Response.Got(version, got.revision())));
    } else {
      long shift = random.nextLong(-60, 60);
      operations.set(
          at,
          new Operation(
              old.id(),
              old.client(),
              old.request(),
              old.invokedAt() + shift,
              old.returnedAt() + shift,
              old.response()));
    }
    return new History(operations);
  }

  /** A store whose clients call, take effect and are answered at random moments. */
  private static final class Store {
    private final SplittableRandom random;
    private final int clients;
    private final int calls;
    private final int keys;
    private final TreeMap<String, Response.Version> cells = new TreeMap<>();
    private final HistoryRecorder recorder = new HistoryRecorder(() -> ++this.now);
    private long now;
    private long revision = 1;
    private int values;

    Store(int seed, int clients, int calls, int keys) {
      this.random = new SplittableRandom(seed);
      this.clients = clients;
      this.calls = calls;
      this.keys = keys;
    }

    History run() {
      @Nullable Integer[] ids = new Integer[clients];
      Request[] requests = new Request[clients];
      @Nullable Response[] responses = new Response[clients];
      for (int left = calls; left > 0; ) {
        int client = random.nextInt(clients);
        Integer id = ids[client];
        if (id == null) {
          requests[client] = request();
          ids[client] = recorder.invoke(client, requests[client]);
          left--;
        } else if (responses[client] == null) {
          if (random.nextInt(calls < 20 ? 3 : 20) == 0) {
            // The outcome stays unknown, whether it took effect or not.
            if (random.nextBoolean()) {
              carryOut(requests[client]);
            }
            ids[client] = null;
          } else {
            responses[client] = carryOut(requests[client]);
          }
        } else {
          recorder.returned(id, responses[client]);
          ids[client] = null;
          responses[client] = null;
        }
      }
      return recorder.history();
    }

    private Request request() {
      return switch (random.nextInt(4)) {
        case 0 -> new Request.Get(key());
        case 1 -> new Request.Put(key(), value());
        case 2 -> new Request.Delete(key());
        default -> txn();
      };
    }

    private Request txn() {
      String key = key();
      Response.Version cell = cells.get(key);
      Request.Compare compare =
          cell == null || random.nextBoolean()
              ? new Request.Compare.ModRevisionIs(key, cell == null ? 0 : cell.modRevision())
              : new Request.Compare.ValueIs(key, cell.value());
      String other = key();
      Request.Single more =
          other.equals(key) || random.nextBoolean()
              ? new Request.Get(other)
              : new Request.Put(other, value());
      return new Request.Txn(
          List.of(compare),
          List.of(new Request.Put(key, value()), more),
          List.of(new Request.Get(other)));
    }

    private String key() {
      return "k" + random.nextInt(keys);
    }

    private String value() {
      return "v" + ++values;
    }

    private Response carryOut(Request request) {
      return switch (request) {
        case Request.Single single -> carryOut(single, revision + 1, true);
        case Request.Txn txn -> {
          boolean holds =
              txn.compares().stream()
                  .allMatch(
                      c -> {
                        Response.Version cell = cells.get(c.key());
                        return switch (c) {
                          case Request.Compare.ValueIs is ->
                              cell != null && cell.value().equals(is.value());
                          case Request.Compare.ModRevisionIs is ->
                              is.revision() == (cell == null ? 0 : cell.modRevision());
                        };
                      });
          long next = revision + 1;
          List<Response> responses = new ArrayList<>();
          for (Request.Single single : holds ? txn.success() : txn.failure()) {
            responses.add(carryOut(single, next, false));
          }
          revision = holds ? next : revision;
          yield new Response.TxnDone(holds, responses, revision);
        }
      };
    }

    private Response carryOut(Request.Single request, long next, boolean alone) {
      switch (request) {
        case Request.Get get -> {
          return new Response.Got(cells.get(get.key()), revision);
        }
        case Request.Put put -> {
          cells.put(put.key(), new Response.Version(put.value(), next));
          if (alone) {
            revision = next;
          }
          return new Response.Written(next);
        }
        case Request.Delete delete -> {
          int count = cells.remove(delete.key()) == null ? 0 : 1;
          if (count > 0) {
            revision = next;
          }
          return new Response.Deleted(count, revision);
        }
      }
    }
  }
}
