package io.kvorum.verification.simulation;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.verification.history.History;
import io.kvorum.verification.history.HistoryRecorder;
import io.kvorum.verification.history.Request;
import io.kvorum.verification.history.Response;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Clients that ask any member, one thing at a time, and give up when nothing comes back. What they
 * are told must not lie behind what anybody was told before they asked; the rest is for the check
 * of the whole history.
 */
final class Clients {
  private static final int PAIRS = 3;
  private static final long RETRY_MICROS = 100 * Agenda.MILLIS;

  private final World world;
  private final SplittableRandom random;
  private final HistoryRecorder recorder;
  private final long thinkMicros;
  private final Map<String, Response.Version> seen = new HashMap<>();
  private boolean stopped;
  private int waiting;
  private int values;

  /** The newest revision that any client was told. */
  private long told;

  /**
   * @param thinkMicros about how long a client waits between two requests
   */
  Clients(World world, int clients, long thinkMicros) {
    this.world = world;
    this.random = world.random().split();
    this.recorder = new HistoryRecorder(world.agenda()::now);
    this.thinkMicros = thinkMicros;
    for (int i = 0; i < clients; i++) {
      int client = i;
      world.agenda().in(random.nextLong(Agenda.SECONDS), () -> next(client));
    }
  }

  History history() {
    return recorder.history();
  }

  /** Nobody asks anything more. */
  void stop() {
    stopped = true;
  }

  boolean areIdle() {
    return waiting == 0;
  }

  private void next(int client) {
    if (stopped) {
      return;
    }
    List<Life> lives = world.lives();
    if (lives.isEmpty()) {
      world.agenda().in(RETRY_MICROS, () -> next(client));
      return;
    }
    ask(
        client,
        lives.get(random.nextInt(lives.size())),
        request(),
        () -> world.agenda().in(random.nextLong(2 * thinkMicros), () -> next(client)));
  }

  /** One request at one member; {@code then} when it is answered or given up. */
  void ask(int client, Life at, Request request, Runnable then) {
    Call call = new Call(recorder.invoke(client, request), client, request, told, then);
    waiting++;
    world.trace().note("client " + client, "asks " + at.id() + " to " + request);
    world
        .agenda()
        .in(world.setup().requestTimeoutNanos() / 1000 + Agenda.SECONDS, () -> call.end(null));
    Consumer<Outcome<Object>> answer = call::end;
    if (request instanceof Request.Get get) {
      at.requests().read(get.key(), answer);
    } else {
      at.requests().propose(request, answer);
    }
  }

  /** A request on its way. */
  private final class Call {
    private final int id;
    private final int client;
    private final Request request;
    private final long floor;
    private final Runnable then;
    private boolean ended;

    Call(int id, int client, Request request, long floor, Runnable then) {
      this.id = id;
      this.client = client;
      this.request = request;
      this.floor = floor;
      this.then = then;
    }

    void end(@Nullable Outcome<Object> outcome) {
      if (ended) {
        return;
      }
      ended = true;
      waiting--;
      switch (outcome) {
        case null -> note("gives up");
        case Outcome.Refused<Object>(var error) -> refused(error);
        case Outcome.Ok<Object>(var value) -> {
          if (value instanceof Response response) {
            answered(response);
          }
        }
      }
      then.run();
    }

    private void note(String what) {
      world.trace().note("client " + client, what + ": " + request);
    }

    private void refused(EtcdError error) {
      note("is told " + error.text());
      if (!request.mayWrite() || isFinal(error)) {
        recorder.refused(id);
      }
    }

    private void answered(Response response) {
      note("is told " + response);
      recorder.returned(id, response);
      Violation.check(
          response.revision() >= floor,
          "nobody is told less than was known before",
          () -> request + " -> " + response + ", but revision " + floor + " was known");
      told = Math.max(told, response.revision());
      if (request instanceof Request.Get get
          && response instanceof Response.Got got
          && got.version() != null) {
        seen.put(get.key(), got.version());
      }
    }
  }

  /** Whether it says that the request had no effect and will have none. */
  private static boolean isFinal(EtcdError error) {
    return error == EtcdError.NO_SPACE || error == EtcdError.REQUEST_TOO_MANY_REQUESTS;
  }

  private Request request() {
    String key = key(random.nextInt(2 * PAIRS));
    int dice = random.nextInt(100);
    if (dice < 35) {
      return new Request.Get(key);
    }
    if (dice < 70) {
      return put(key);
    }
    return dice < 78 ? new Request.Delete(key) : txn();
  }

  private static String key(int number) {
    return "k" + number;
  }

  private Request.Put put(String key) {
    return new Request.Put(key, "v" + ++values);
  }

  /** Compares and swaps over both keys of a pair. */
  private Request.Txn txn() {
    int pair = random.nextInt(PAIRS);
    String one = key(2 * pair + random.nextInt(2));
    String other = key(2 * pair + random.nextInt(2));
    List<Request.Single> success = new ArrayList<>();
    success.add(put(one));
    if (!other.equals(one)) {
      success.add(random.nextBoolean() ? new Request.Get(other) : put(other));
    }
    return new Request.Txn(List.of(compare(one)), success, List.of(new Request.Get(other)));
  }

  private Request.Compare compare(String key) {
    Response.Version last = seen.get(key);
    if (last == null) {
      return new Request.Compare.ModRevisionIs(key, 0);
    }
    return random.nextBoolean()
        ? new Request.Compare.ModRevisionIs(key, last.modRevision())
        : new Request.Compare.ValueIs(key, last.value());
  }
}
