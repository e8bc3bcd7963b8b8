package io.kvorum.verification.benchmark;

import io.kvorum.verification.benchmark.wire.UnaryLoad;
import io.kvorum.verification.conformance.cluster.Member;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * One workload on one cluster for some seconds.
 *
 * @param cpuMicros processor time that each member used meanwhile, the leader first
 * @param residentMib each member's memory at the end, likewise
 */
record ClusterMeasurement(
    UnaryLoad.Result load,
    List<Long> cpuMicros,
    long generatorCpuMicros,
    List<Double> residentMib) {

  static final String HEADINGS =
      "%-20s %-8s %-8s %9s %9s %9s %8s  %-24s %11s  %s"
          .formatted(
              "workload",
              "phase",
              "cluster",
              "req/s",
              "p50 ms",
              "p99 ms",
              "max ms",
              "cpu us/req leader+others",
              "(generator)",
              "RSS MiB leader+others");

  static ClusterMeasurement of(List<Member> members, UnaryLoad load, Duration length) {
    long self = ProcessHandle.current().pid();
    var before = cpu(members);
    long selfBefore = ProcessFigures.cpuMicros(self);
    var result = load.run(length);
    var after = cpu(members);
    long generator = ProcessFigures.cpuMicros(self) - selfBefore;
    var used = new ArrayList<Long>();
    for (int i = 0; i < before.size(); i++) used.add(after.get(i) - before.get(i));
    return new ClusterMeasurement(result, List.copyOf(used), generator, resident(members));
  }

  static List<Long> cpu(List<Member> members) {
    return members.stream().map(m -> ProcessFigures.cpuMicros(m.server().pid())).toList();
  }

  static List<Double> resident(List<Member> members) {
    return members.stream()
        .map(m -> ProcessFigures.residentKib(m.server().pid()) / 1024.0)
        .toList();
  }

  String line(String workload, String phase, String cluster) {
    var latency = load.latencyNanos();
    double answers = Math.max(1, load.answers());
    var line =
        "%-20s %-8s %-8s %9.0f %9.3f %9.3f %8.1f  %-24s %11.1f  %s"
            .formatted(
                workload,
                phase,
                cluster,
                load.answersPerSecond(),
                latency.getValueAtPercentile(50) / 1e6,
                latency.getValueAtPercentile(99) / 1e6,
                latency.getMaxValue() / 1e6,
                joined(cpuMicros.stream().map(micros -> micros / answers).toList(), "%.1f"),
                generatorCpuMicros / answers,
                joined(residentMib, "%.0f"));
    return load.failures().isEmpty() ? line : line + "  FAILED: " + load.failures();
  }

  static String joined(List<Double> figures, String format) {
    return figures.stream()
        .map(figure -> String.format(Locale.ROOT, format, figure))
        .collect(Collectors.joining(" + "));
  }
}
