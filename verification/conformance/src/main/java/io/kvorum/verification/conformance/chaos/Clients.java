package io.kvorum.verification.conformance.chaos;

import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Member;
import io.kvorum.verification.conformance.harness.Await;
import io.kvorum.verification.conformance.harness.MachineTime;
import io.kvorum.verification.history.Request;
import io.kvorum.verification.history.Response;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The load of one round: for each member one client that always asks it, so that there is always
 * somebody to notice what it does, and one that moves on when it gets an error.
 */
final class Clients implements AutoCloseable {
  private static final int KEYS = 24;
  private static final int LONGEST_PADDING = 300;
  private static final Duration LONGEST_THOUGHT = Duration.ofMillis(16);
  private static final Duration AFTER_ERROR = Duration.ofMillis(20);
  private static final int FLOODING_CLIENTS = 24;
  private static final Duration FLOOD_LIMIT = Duration.ofMinutes(1);
  private static final Duration STOP_LIMIT = Client.CALL_LIMIT.multipliedBy(4);

  private final Cluster cluster;
  private final Recorder recorder;
  private final String round;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Future<?>> running = new ArrayList<>();
  private volatile boolean stopping;

  /**
   * Starts the load.
   *
   * @param round begins, before a slash, all keys and values of it, so that no two rounds share any
   */
  Clients(Cluster cluster, Recorder recorder, SplittableRandom random, String round) {
    this.cluster = cluster;
    this.recorder = recorder;
    this.round = round;
    for (var member : cluster.members())
      for (boolean roaming : new boolean[] {false, true}) {
        var name = member.slot() + (roaming ? "r" : "p");
        var worker = new Worker(name, member.slot(), roaming, random.split());
        running.add(threads.submit(worker::run));
      }
  }

  /** Lets them work for so long; fails early when one of them met what must not be. */
  void goOnFor(Duration length) {
    if (Await.holdsWithin(length, this::hasFailed)) stop();
  }

  /** Waits for a change that was asked for after then, acknowledged by one of the members. */
  void awaitWriteByAny(Collection<Member> members, long sinceNanos, Duration limit) {
    Await.until(
        "a write through one of " + members,
        limit,
        () ->
            hasFailed()
                || members.stream().anyMatch(m -> recorder.hasWrittenSince(m.slot(), sinceNanos)));
    if (hasFailed()) stop();
  }

  /** The same for each of them. */
  void awaitWriteByEach(Collection<Member> members, long sinceNanos, Duration limit) {
    long began = MachineTime.nanos();
    for (var member : members) {
      var left = limit.minusNanos(MachineTime.nanos() - began);
      Await.until(
          "a write through " + member + " after " + limit,
          left.isNegative() ? Duration.ZERO : left,
          () -> hasFailed() || recorder.hasWrittenSince(member.slot(), sinceNanos));
      if (hasFailed()) stop();
    }
  }

  /** Puts so many keys more, through the given members, as fast as they go. */
  void flood(Collection<Member> members, int count) {
    var slots = members.stream().map(Member::slot).toList();
    var all = new ArrayList<Future<?>>();
    for (int i = 0; i < FLOODING_CLIENTS; i++) {
      int first = i;
      all.add(
          threads.submit(
              () -> {
                try (var client = new Client(cluster, recorder, slots.get(first % slots.size()))) {
                  for (int n = first; n < count; n += FLOODING_CLIENTS) {
                    var unused =
                        client.call(
                            new Request.Put(
                                round + "/flood/" + n,
                                round + "/flood/" + n + "/" + "y".repeat(LONGEST_PADDING)));
                  }
                }
              }));
    }
    for (var one : all) join(one, FLOOD_LIMIT);
  }

  private boolean hasFailed() {
    return running.stream().anyMatch(one -> one.state() == Future.State.FAILED);
  }

  /** Ends the load when the calls under way have ended. Rethrows what any client met. */
  void stop() {
    stopping = true;
    for (var one : running) join(one, STOP_LIMIT);
  }

  private static void join(Future<?> one, Duration limit) {
    try {
      var unused = one.get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof AssertionError broken) throw broken;
      throw new AssertionError("a client failed", e);
    } catch (TimeoutException e) {
      throw new AssertionError("a client hangs", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    stopping = true;
    threads.shutdownNow();
  }

  private final class Worker {
    private final String name;
    private final int home;
    private final boolean roaming;
    private final SplittableRandom random;
    private final Map<String, Long> seen = new HashMap<>();
    private int count;

    Worker(String name, int home, boolean roaming, SplittableRandom random) {
      this.name = name;
      this.home = home;
      this.roaming = roaming;
      this.random = random;
    }

    void run() {
      try (var client = new Client(cluster, recorder, home)) {
        while (!stopping) {
          var request = next();
          var answer = client.call(request);
          remember(request, answer);
          if (answer == null) {
            if (roaming) client.moveTo(random.nextInt(cluster.members().size()));
            LockSupport.parkNanos(AFTER_ERROR.toNanos());
          }
          LockSupport.parkNanos(random.nextLong(LONGEST_THOUGHT.toNanos()));
        }
      }
    }

    private Request next() {
      var key = round + "/" + random.nextInt(KEYS);
      int dice = random.nextInt(10);
      if (dice < 3) return new Request.Get(key);
      if (dice < 6) return new Request.Put(key, value());
      if (dice < 7) return new Request.Delete(key);
      var unchanged = new Request.Compare.ModRevisionIs(key, seen.getOrDefault(key, 0L));
      return new Request.Txn(
          List.of(unchanged),
          List.of(new Request.Put(key, value())),
          List.of(new Request.Get(key)));
    }

    private String value() {
      return round + "/" + name + "/" + count++ + "/" + "x".repeat(random.nextInt(LONGEST_PADDING));
    }

    /** The newest revision of each key, so that transactions have a chance to succeed. */
    private void remember(Request request, @Nullable Response answer) {
      if (answer == null) return;
      for (var key : request.keys())
        switch (answer) {
          case Response.Got got ->
              seen.put(key, got.version() == null ? 0 : got.version().modRevision());
          case Response.Deleted d -> seen.put(key, 0L);
          case Response.Written written -> seen.put(key, written.revision());
          case Response.TxnDone done -> {
            if (done.succeeded()) seen.put(key, done.revision());
            else remember(request, done.responses().getFirst());
          }
        }
    }
  }
}
