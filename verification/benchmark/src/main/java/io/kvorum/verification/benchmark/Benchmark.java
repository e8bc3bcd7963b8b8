package io.kvorum.verification.benchmark;

import io.kvorum.verification.benchmark.wire.UnaryLoad;
import io.kvorum.verification.conformance.harness.Binaries;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Runs the workloads on etcd and on Kvorum by turns, in one run on one machine, and prints what
 * each did.
 */
@Command(
    name = "bench",
    description = "Compare servers of etcd's v3 API under the same load, side by side.",
    mixinStandardHelpOptions = true)
public final class Benchmark implements Callable<Integer> {
  /** Memory counts as steady when it has moved by less than this over {@link #STEADY_FOR}. */
  private static final double STEADY_MIB = 2;

  private static final Duration STEADY_FOR = Duration.ofSeconds(4);
  private static final int STEADY_TRIES = 10;

  @Option(names = "--peer", description = "The etcd to compare with (default: Debian's).")
  private @Nullable Path peer;

  @Option(names = "--subject", description = "The server to measure (default: this repository's).")
  private @Nullable Path subject;

  @Option(names = "--only", description = "Measure one of them: peer or subject.")
  private @Nullable String only;

  @Option(
      names = "--workloads",
      split = ",",
      defaultValue = "put,put-1,range-linearizable,range-serializable,range-1",
      description = "Default: ${DEFAULT-VALUE}.")
  private List<String> workloads = List.of();

  @Option(
      names = "--rounds",
      defaultValue = "2",
      description = "Turns of each server per workload. Default: ${DEFAULT-VALUE}.")
  private int rounds;

  @Option(
      names = "--seconds",
      defaultValue = "10",
      description = "Measured, per turn. Default: ${DEFAULT-VALUE}.")
  private int seconds;

  @Option(
      names = "--warm-up-seconds",
      defaultValue = "10",
      description = "Before the first turn of a workload. Default: ${DEFAULT-VALUE}.")
  private int warmUpSeconds;

  @Option(
      names = "--cold-seconds",
      defaultValue = "3",
      description =
          "First seconds of a fresh process under puts, shown apart. Default: ${DEFAULT-VALUE}.")
  private int coldSeconds;

  @Option(
      names = "--starts",
      defaultValue = "5",
      description = "Starts to time. Default: ${DEFAULT-VALUE}.")
  private int starts;

  @Option(
      names = "--data-parent",
      defaultValue = "/var/tmp",
      description = "Where the servers' data goes; not a memory disk. Default: ${DEFAULT-VALUE}.")
  private Path dataParent = Path.of("/var/tmp");

  @Option(
      names = "--members",
      defaultValue = "1",
      description =
          "More than one compares clusters of so many members. Default: ${DEFAULT-VALUE}.")
  private int members;

  @Option(
      names = "--elections",
      defaultValue = "9",
      description = "With --members: losses of the leader to time. Default: ${DEFAULT-VALUE}.")
  private int elections;

  @Option(
      names = "--beside",
      split = ",",
      description =
          "What goes on while puts come at a fixed rate: compaction, range-stream, large-start."
              + " Instead of all the other measurements.")
  private List<String> beside = List.of();

  @Option(
      names = "--put-rate",
      defaultValue = "2000",
      description = "With --beside: puts per second. Default: ${DEFAULT-VALUE}.")
  private int putRate;

  @Option(
      names = "--large",
      defaultValue = "1000000",
      description =
          "With --beside: revisions to compact, and keys of a large store."
              + " Default: ${DEFAULT-VALUE}.")
  private int large;

  @Option(
      names = "--watches",
      arity = "0..1",
      fallbackValue = "many,hot,idle,stuck",
      description =
          "Compare watches instead: many, of one key, idle, and unread ones."
              + " Some of these only: @|italic many,hot,idle,stuck|@.")
  private @Nullable String watches;

  @Option(
      names = "--stuck-revisions",
      defaultValue = "1000000",
      description = "With --watches: puts while watchers do not read. Default: ${DEFAULT-VALUE}.")
  private long stuckRevisions;

  @Option(
      names = "--hot-puts",
      defaultValue = "100000",
      description = "With --watches: puts of the one key. Default: ${DEFAULT-VALUE}.")
  private long hotPuts;

  @Spec private CommandLine.Model.@Nullable CommandSpec spec;

  private PrintWriter out = new PrintWriter(System.out, true);

  public static void main(String[] args) {
    System.exit(new CommandLine(new Benchmark()).execute(args));
  }

  @Override
  public Integer call() {
    if (spec != null) out = spec.commandLine().getOut();
    var chosen = Arrays.stream(Workload.values()).filter(w -> workloads.contains(w.title)).toList();
    if (members > 1) {
      clusters(chosen);
      return 0;
    }
    if (!beside.isEmpty()) {
      var runs = new LargeRuns(putRate, large, Duration.ofSeconds(seconds), this::say);
      for (var contender : contenders())
        try (var server = contender) {
          runs.run(server, beside);
        }
      return 0;
    }
    if (watches != null) {
      var amounts =
          new WatchBenchmark.Amounts(rounds, seconds, warmUpSeconds, hotPuts, stuckRevisions);
      new WatchBenchmark(this::contenders, amounts, out).run(List.of(watches.split(",")));
      return 0;
    }
    startUp();
    underLoad(chosen);
    steadyMemory();
    return 0;
  }

  private void clusters(List<Workload> chosen) {
    var programs = new LinkedHashMap<String, Path>();
    if (!"subject".equals(only)) programs.put("etcd", peer == null ? Binaries.etcd() : peer);
    if (!"peer".equals(only)) programs.put("kvorum", subject == null ? Binaries.kvorum() : subject);
    var times =
        new ClusterBenchmark.Times(
            starts,
            rounds,
            Duration.ofSeconds(seconds),
            Duration.ofSeconds(warmUpSeconds),
            Duration.ofSeconds(coldSeconds),
            elections);
    new ClusterBenchmark(programs, members, dataParent, times, out).run(chosen);
  }

  /** Fresh ones each time; the caller closes them. */
  private List<Contender> contenders() {
    var all = new ArrayList<Contender>();
    if (!"subject".equals(only))
      all.add(new Contender("etcd", peer == null ? Binaries.etcd() : peer, dataParent));
    if (!"peer".equals(only))
      all.add(new Contender("kvorum", subject == null ? Binaries.kvorum() : subject, dataParent));
    return all;
  }

  private void startUp() {
    say(
        "Start of the process until the first linearizable read is answered, empty data directory, %d starts",
        starts);
    say("%-14s %9s %9s %9s", "server", "min ms", "median ms", "max ms");
    var times = new ArrayList<List<Double>>();
    var names = new ArrayList<String>();
    for (int i = 0; i < starts; i++) {
      var servers = contenders();
      for (int s = 0; s < servers.size(); s++) {
        try (var server = servers.get(s)) {
          if (i == 0) {
            times.add(new ArrayList<>());
            names.add(server.name);
          }
          times.get(s).add(server.start().toNanos() / 1e6);
        }
      }
    }
    for (int s = 0; s < times.size(); s++) sayTimes(names.get(s), times.get(s));
    say("");
  }

  private void sayTimes(String name, List<Double> millis) {
    var sorted = millis.stream().sorted().toList();
    say(
        "%-14s %9.0f %9.0f %9.0f",
        name, sorted.getFirst(), sorted.get(sorted.size() / 2), sorted.getLast());
  }

  private void underLoad(List<Workload> chosen) {
    say(
        "Load; values of 256 bytes, %d keys; put and range: 1,000 clients on 100 connections",
        Workload.KEYS);
    say(Measurement.HEADINGS);
    var servers = contenders();
    try {
      for (var server : servers) cold(server);
      for (var workload : chosen) byTurns(workload, servers);
    } finally {
      servers.forEach(Contender::close);
    }
    say("");
  }

  private void cold(Contender server) {
    var unused = server.start();
    try (var load = Workload.PUT.connect(server.address(), 1)) {
      var figures = Measurement.of(server, load, Duration.ofSeconds(coldSeconds));
      say(figures.line(Workload.PUT.title, "cold", server.name));
    }
    server.fill();
  }

  private void byTurns(Workload workload, List<Contender> servers) {
    var loads = new ArrayList<UnaryLoad>();
    try {
      for (var server : servers) {
        var load = workload.connect(server.address(), 1);
        loads.add(load);
        var unused = load.run(Duration.ofSeconds(warmUpSeconds));
      }
      for (int round = 1; round <= rounds; round++) {
        for (int s = 0; s < servers.size(); s++) {
          var figures = Measurement.of(servers.get(s), loads.get(s), Duration.ofSeconds(seconds));
          say(figures.line(workload.title, "warm " + round, servers.get(s).name));
        }
      }
    } finally {
      loads.forEach(UnaryLoad::close);
    }
  }

  private void steadyMemory() {
    say(
        "Fresh process, %d keys put once, then left alone; then started again on them",
        Workload.KEYS);
    say("%-14s %12s %14s %12s %14s", "server", "RSS MiB", "restart ms", "RSS MiB", "data MiB");
    for (var contender : contenders()) {
      try (var server = contender) {
        var unused = server.start();
        server.fill();
        double resident = steady(server);
        server.stop();
        double restart = server.start().toNanos() / 1e6;
        say(
            "%-14s %12.0f %14.0f %12.0f %14.0f",
            server.name, resident, restart, steady(server), server.dataMib());
      }
    }
  }

  /** Memory once it has come to rest. */
  private static double steady(Contender server) {
    double last = server.residentMib();
    for (int i = 0; i < STEADY_TRIES; i++) {
      long until = System.nanoTime() + STEADY_FOR.toNanos();
      while (System.nanoTime() < until) LockSupport.parkNanos(until - System.nanoTime());
      double now = server.residentMib();
      if (Math.abs(now - last) < STEADY_MIB) return now;
      last = now;
    }
    return last;
  }

  private void say(String format, Object... values) {
    out.println(values.length == 0 ? format : format.formatted(values));
    out.flush();
  }
}
