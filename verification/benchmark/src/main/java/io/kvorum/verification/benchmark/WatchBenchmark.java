package io.kvorum.verification.benchmark;

import io.kvorum.verification.benchmark.wire.WatchLoad;
import io.kvorum.verification.benchmark.wire.WatchLoad.Shape;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;

/**
 * Watches of the servers that are compared: many watchers of many keys, many of one key, idle ones,
 * and ones that do not read. All servers run during all of it, and one is loaded at a time.
 */
final class WatchBenchmark {
  /** 10,000 watchers on 100 streams; each put is seen by one watcher of each stream. */
  private static final Shape MANY = new Shape(10, 10, 100, 100);

  private static final double MANY_PUTS_PER_SECOND = 1000;

  /** 100 watchers on 100 streams, all of the same key. */
  private static final Shape HOT = new Shape(10, 10, 1, 1);

  private static final Shape IDLE = new Shape(10, 10, 1000, 100_000);

  /** 1,000 watchers on 100 streams, each of a key of its own. */
  private static final Shape STUCK = new Shape(10, 10, 10, 1000);

  private static final Shape NOBODY = new Shape(0, 0, 0, 1000);

  private static final List<String> ALL = List.of("many", "hot", "idle", "stuck");

  private static final Duration REST = Duration.ofSeconds(3);

  /**
   * How much of each.
   *
   * @param seconds measured, of paced puts
   * @param warmUpSeconds before it, on the same watches
   * @param hotPuts measured puts of the one key
   * @param stuckRevisions puts while nobody reads
   */
  record Amounts(int rounds, int seconds, int warmUpSeconds, long hotPuts, long stuckRevisions) {}

  private final Supplier<List<Contender>> contenders;
  private final Amounts amounts;
  private final PrintWriter out;

  WatchBenchmark(Supplier<List<Contender>> contenders, Amounts amounts, PrintWriter out) {
    this.contenders = contenders;
    this.amounts = amounts;
    this.out = out;
  }

  /**
   * @param workloads of {@code many}, {@code hot}, {@code idle} and {@code stuck}
   */
  void run(List<String> workloads) {
    var unknown = workloads.stream().filter(title -> !ALL.contains(title)).toList();
    if (!unknown.isEmpty()) throw new IllegalArgumentException("not among " + ALL + ": " + unknown);
    var servers = contenders.get();
    try {
      for (var server : servers) {
        var unused = server.start();
      }
      say("Watches; values of 256 bytes; put-to-event from the sending of the put");
      say(
          "%-12s %-8s %-8s %10s %10s %9s %9s %9s %11s %11s %9s",
          "workload",
          "phase",
          "server",
          "puts/s",
          "events/s",
          "p50 ms",
          "p99 ms",
          "max ms",
          "cpu us/ev",
          "(generator)",
          "RSS MiB");
      if (workloads.contains("many")) byTurns("many", MANY, servers, this::paced);
      if (workloads.contains("hot"))
        byTurns("hot", HOT, servers, load -> load.together(amounts.hotPuts()));
      if (workloads.contains("idle")) for (var server : servers) idle(server);
      if (workloads.contains("stuck")) for (var server : servers) stuck(server);
    } finally {
      servers.forEach(Contender::close);
    }
  }

  private interface Measured {
    WatchLoad.Result run(WatchLoad load);
  }

  private WatchLoad.Result paced(WatchLoad load) {
    return load.paced(MANY_PUTS_PER_SECOND, Duration.ofSeconds(amounts.seconds()));
  }

  private void byTurns(String title, Shape shape, List<Contender> servers, Measured measured) {
    for (int round = 0; round <= amounts.rounds(); round++) {
      for (var server : servers) {
        try (var load = new WatchLoad(server.address(), shape)) {
          load.watch();
          var unused =
              load.paced(
                  MANY_PUTS_PER_SECOND,
                  Duration.ofSeconds(round == 0 ? amounts.warmUpSeconds() : 1));
          long self = ProcessHandle.current().pid();
          long cpu = server.cpuMicros();
          long own = ProcessFigures.cpuMicros(self);
          var result = measured.run(load);
          cpu = server.cpuMicros() - cpu;
          own = ProcessFigures.cpuMicros(self) - own;
          long events = Math.max(1, result.eventNanos().getTotalCount());
          say(
              "%-12s %-8s %-8s %10.0f %10.0f %9.3f %9.3f %9.1f %11.2f %11.2f %9.0f",
              title,
              round == 0 ? "cold" : "warm " + round,
              server.name,
              result.putsPerSecond(),
              result.eventsPerSecond(),
              millis(result.eventNanos(), 50),
              millis(result.eventNanos(), 99),
              result.eventNanos().getMaxValue() / 1e6,
              (double) cpu / events,
              (double) own / events,
              server.residentMib());
        }
      }
    }
  }

  private void idle(Contender server) {
    rest();
    double before = server.residentMib();
    try (var load = new WatchLoad(server.address(), IDLE)) {
      long began = System.nanoTime();
      load.watch();
      double seconds = (System.nanoTime() - began) / 1e9;
      rest();
      double after = server.residentMib();
      say(
          "idle: %-8s %d watchers created in %.1f s; RSS %.0f -> %.0f MiB, %.0f bytes per watcher",
          server.name,
          IDLE.watchers(),
          seconds,
          before,
          after,
          (after - before) * 1048576 / IDLE.watchers());
    }
  }

  private void stuck(Contender server) {
    rest();
    double before = server.residentMib();
    long sample = amounts.stuckRevisions() / 10;
    double alone;
    try (var load = new WatchLoad(server.address(), NOBODY)) {
      alone = load.putsOnly(sample).putsPerSecond();
    }
    try (var load = new WatchLoad(server.address(), STUCK)) {
      load.watch();
      load.setReading(false);
      double highest = before;
      double puts = 0;
      int parts = 10;
      for (int part = 0; part < parts; part++) {
        puts += load.putsOnly(sample).putsPerSecond() / parts;
        highest = Math.max(highest, server.residentMib());
      }
      long total = parts * sample * STUCK.eventsPerPut();
      long missed = total - load.events();
      load.setReading(true);
      var took = load.awaitEvents(total);
      say(
          "stuck: %-8s puts/s %.0f without watchers, %.0f with %d that do not read; RSS %.0f -> %.0f MiB"
              + " at most; %d events then read in %.1f s",
          server.name,
          alone,
          puts,
          STUCK.watchers(),
          before,
          Math.max(highest, server.residentMib()),
          missed,
          took.toNanos() / 1e9);
    }
  }

  private static double millis(Histogram nanos, double percentile) {
    return nanos.getValueAtPercentile(percentile) / 1e6;
  }

  private static void rest() {
    long until = System.nanoTime() + REST.toNanos();
    while (System.nanoTime() < until) LockSupport.parkNanos(until - System.nanoTime());
  }

  private void say(String format, Object... values) {
    out.println(values.length == 0 ? format : format.formatted(values));
    out.flush();
  }
}
