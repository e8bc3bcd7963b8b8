package io.kvorum.verification.benchmark;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.CompactionRequest;
import io.etcd.jetcd.api.RangeRequest;
import io.kvorum.verification.benchmark.wire.UnaryLoad;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * What large work costs those who put meanwhile: a hundred clients put at a fixed rate, alone first
 * and then beside it. Their latency counts from when each put was due. The work is a compaction of
 * many revisions, a stream of a large range, and a start on a large store.
 */
final class LargeRuns {
  private static final int PUT_CONNECTIONS = 10;
  private static final int PUT_CLIENTS = 100;
  private static final int LARGE_VALUE_BYTES = 1024;
  private static final Duration WARM_UP = Duration.ofSeconds(5);

  /** A server that uses less than this in a look is idle. */
  private static final long SETTLED_MICROS = 100_000;

  private static final Duration SETTLE_LOOK = Duration.ofSeconds(2);
  private static final Duration SETTLE_LIMIT = Duration.ofMinutes(2);
  private static final Duration LONGEST = Duration.ofMinutes(4);

  private final int putsPerSecond;
  private final int large;
  private final Duration length;
  private final Output out;

  /** Prints a line. */
  interface Output {
    void say(String format, Object... values);
  }

  /**
   * @param large revisions to compact, and keys of 1 KiB in a large store
   * @param length of each measurement, at least
   */
  LargeRuns(int putsPerSecond, int large, Duration length, Output out) {
    this.putsPerSecond = putsPerSecond;
    this.large = large;
    this.length = length;
    this.out = out;
  }

  /** Starts the server, which is fresh, and does of the runs what is named. */
  void run(Contender server, List<String> runs) {
    out.say(
        "%s: %d puts a second by %d clients, alone and beside large work",
        server.name, putsPerSecond, PUT_CLIENTS);
    var unused = server.start();
    if (runs.contains("compaction")) compaction(server);
    if (runs.contains("range-stream") || runs.contains("large-start")) fill(server);
    if (runs.contains("range-stream")) rangeStream(server);
    if (runs.contains("large-start")) largeStart(server);
    out.say("");
  }

  private void compaction(Contender server) {
    server.fill();
    try (var load = Workload.PUT.connect(server.address(), 2)) {
      var filled = load.run(large);
      out.say("%d overwrites of %d keys in %s", large, Workload.KEYS, seconds(filled.elapsed()));
    }
    settle(server);
    try (var puts = puts(server);
        var client = server.client()) {
      alone(server, puts, "put-compaction");
      var any = RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8("x")).build();
      long revision = client.kv().range(any).getHeader().getRevision();
      var compaction =
          CompactionRequest.newBuilder().setRevision(revision).setPhysical(true).build();
      long began = System.nanoTime();
      var done =
          CompletableFuture.supplyAsync(
              () -> {
                var unused = client.kv().compact(compaction);
                return Duration.ofNanos(System.nanoTime() - began);
              });
      // What a server rewrites after it has removed belongs to the compaction.
      long until = began + length.toNanos();
      beside(server, puts, "put-compaction", () -> !done.isDone() || System.nanoTime() - until < 0);
      out.say("%-20s of %d revisions, physical: %s", "compaction", revision, seconds(done.join()));
      alone(server, puts, "put-compaction");
    }
  }

  private void fill(Contender server) {
    try (var load = Workload.fill(server.address(), large, LARGE_VALUE_BYTES)) {
      var filled = load.run(Workload.fillRequests(large, LARGE_VALUE_BYTES));
      if (!filled.failures().isEmpty())
        throw new IllegalStateException(server.name + ": " + filled.failures());
      out.say(
          "%d keys of %d bytes in %s; data %.0f MiB",
          large, LARGE_VALUE_BYTES, seconds(filled.elapsed()), server.dataMib());
    }
    settle(server);
  }

  /** Until the server has nothing to do any more, or for as long as it may take. */
  private static void settle(Contender server) {
    long deadline = System.nanoTime() + SETTLE_LIMIT.toNanos();
    long used = Long.MAX_VALUE;
    while (used > SETTLED_MICROS && System.nanoTime() - deadline < 0) {
      long before = server.cpuMicros();
      long until = System.nanoTime() + SETTLE_LOOK.toNanos();
      while (System.nanoTime() - until < 0) LockSupport.parkNanos(until - System.nanoTime());
      used = server.cpuMicros() - before;
    }
  }

  private void rangeStream(Contender server) {
    try (var puts = puts(server);
        var stream =
            new UnaryLoad(
                server.address(),
                "etcdserverpb.KV/RangeStream",
                1,
                1,
                request -> Requests.range(request, 0, large, 0))) {
      alone(server, puts, "put-stream");
      double anonymous = server.anonymousMib();
      double resident = server.residentMib();
      var peak = new double[] {anonymous, resident};
      var streams = CompletableFuture.supplyAsync(() -> stream.run(1));
      beside(
          server,
          puts,
          "put-stream",
          () -> {
            peak[0] = Math.max(peak[0], server.anonymousMib());
            peak[1] = Math.max(peak[1], server.residentMib());
            return !streams.isDone();
          });
      var result = streams.join();
      double mib = stream.receivedBytes() / 1048576.0;
      out.say(
          "%-20s %.0f MiB in %s, %.0f MiB/s; %s; memory %+.0f MiB, with files %+.0f MiB",
          "range-stream",
          mib,
          seconds(result.elapsed()),
          mib * 1e9 / result.elapsed().toNanos(),
          result.failures().isEmpty() ? "ok" : "FAILED: " + result.failures(),
          peak[0] - anonymous,
          peak[1] - resident);
    }
  }

  private void largeStart(Contender server) {
    server.kill();
    var took = server.start();
    out.say("%-20s after kill -9 on %d keys: %s", "large-start", large, seconds(took));
  }

  private UnaryLoad puts(Contender server) {
    var random = new SplittableRandom(3);
    var messages =
        new Requests.Puts(random, () -> random.nextInt(Workload.KEYS), Workload.VALUE_BYTES);
    return new UnaryLoad(
        server.address(), Workload.PUT.method, PUT_CONNECTIONS, PUT_CLIENTS, messages);
  }

  private void alone(Contender server, UnaryLoad puts, String title) {
    var unused = puts.run(putsPerSecond, WARM_UP, () -> true);
    var figures = Measurement.of(server, () -> puts.run(putsPerSecond, length, () -> true));
    out.say(Measurement.HEADINGS);
    out.say(figures.line(title, "alone", server.name));
  }

  private void beside(Contender server, UnaryLoad puts, String title, BooleanSupplier goesOn) {
    var rarely = new Now(goesOn);
    var figures = Measurement.of(server, () -> puts.run(putsPerSecond, LONGEST, rarely::asked));
    out.say(figures.line(title, "beside", server.name));
  }

  /** A question whose answer costs something, asked ten times a second. */
  private static final class Now {
    private static final long EVERY_NANOS = 100_000_000;

    private final BooleanSupplier question;
    private long askedNanos = System.nanoTime() - EVERY_NANOS;
    private boolean last = true;

    Now(BooleanSupplier question) {
      this.question = question;
    }

    boolean asked() {
      long now = System.nanoTime();
      if (now - askedNanos >= EVERY_NANOS) {
        askedNanos = now;
        last = question.getAsBoolean();
      }
      return last;
    }
  }

  private static String seconds(Duration duration) {
    return "%.1f s".formatted(duration.toNanos() / 1e9);
  }
}
