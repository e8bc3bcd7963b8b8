package io.kvorum.verification.benchmark;

import io.kvorum.verification.benchmark.wire.UnaryLoad;
import java.time.Duration;
import java.util.function.Supplier;

/**
 * One workload on one server for some seconds.
 *
 * @param load what the clients saw
 * @param serverCpuMicros processor time the server used meanwhile
 * @param generatorCpuMicros processor time we used ourselves
 * @param residentMib the server's memory at the end
 */
record Measurement(
    UnaryLoad.Result load, long serverCpuMicros, long generatorCpuMicros, double residentMib) {

  static Measurement of(Contender server, UnaryLoad load, Duration length) {
    return of(server, () -> load.run(length));
  }

  static Measurement of(Contender server, Supplier<UnaryLoad.Result> run) {
    long self = ProcessHandle.current().pid();
    long serverBefore = server.cpuMicros();
    long selfBefore = ProcessFigures.cpuMicros(self);
    var result = run.get();
    return new Measurement(
        result,
        server.cpuMicros() - serverBefore,
        ProcessFigures.cpuMicros(self) - selfBefore,
        server.residentMib());
  }

  static final String HEADINGS =
      "%-20s %-8s %-14s %10s %9s %9s %9s %11s %11s %9s"
          .formatted(
              "workload",
              "phase",
              "server",
              "req/s",
              "p50 ms",
              "p99 ms",
              "max ms",
              "cpu us/req",
              "(generator)",
              "RSS MiB");

  String line(String workload, String phase, String server) {
    var latency = load.latencyNanos();
    long answers = Math.max(1, load.answers());
    var line =
        "%-20s %-8s %-14s %10.0f %9.3f %9.3f %9.1f %11.1f %11.1f %9.0f"
            .formatted(
                workload,
                phase,
                server,
                load.answersPerSecond(),
                latency.getValueAtPercentile(50) / 1e6,
                latency.getValueAtPercentile(99) / 1e6,
                latency.getMaxValue() / 1e6,
                (double) serverCpuMicros / answers,
                (double) generatorCpuMicros / answers,
                residentMib);
    return load.failures().isEmpty() ? line : line + "  FAILED: " + load.failures();
  }
}
