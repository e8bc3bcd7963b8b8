package io.kvorum.verification.benchmark;

import io.kvorum.verification.benchmark.wire.UnaryLoad;
import io.kvorum.verification.conformance.cluster.Member;
import java.io.PrintWriter;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;

/** The same for clusters: all members on this machine, both clusters in one run, by turns. */
final class ClusterBenchmark {
  private static final Duration IDLE = Duration.ofSeconds(5);

  private final Map<String, Path> programs;
  private final int members;
  private final Path dataParent;
  private final Times times;
  private final PrintWriter out;

  /** How often and how long; see the options of {@link Benchmark}. */
  record Times(
      int starts, int rounds, Duration measured, Duration warmUp, Duration cold, int elections) {}

  ClusterBenchmark(
      Map<String, Path> programs, int members, Path dataParent, Times times, PrintWriter out) {
    this.programs = programs;
    this.members = members;
    this.dataParent = dataParent;
    this.times = times;
    this.out = out;
  }

  void run(List<Workload> chosen) {
    startUp();
    var clusters = contenders();
    try {
      underLoad(chosen, clusters);
      atRest(clusters);
      leaderLosses(clusters);
    } finally {
      clusters.forEach(ClusterContender::close);
    }
  }

  private List<ClusterContender> contenders() {
    var all = new ArrayList<ClusterContender>();
    programs.forEach(
        (name, launcher) -> all.add(new ClusterContender(name, launcher, members, dataParent)));
    return all;
  }

  private void startUp() {
    say(
        "%d members started together, empty data directories, until each has answered a linearizable read; %d starts",
        members, times.starts);
    say("%-14s %9s %9s %9s", "cluster", "min ms", "median ms", "max ms");
    var taken = new TreeMap<String, List<Double>>();
    for (int i = 0; i < times.starts; i++)
      for (var contender : contenders())
        try (var cluster = contender) {
          taken
              .computeIfAbsent(cluster.name, n -> new ArrayList<>())
              .add(cluster.start().toNanos() / 1e6);
        }
    taken.forEach(
        (name, millis) -> {
          var sorted = millis.stream().sorted().toList();
          say(
              "%-14s %9.0f %9.0f %9.0f",
              name, sorted.getFirst(), sorted.get(sorted.size() / 2), sorted.getLast());
        });
    say("");
  }

  private void underLoad(List<Workload> chosen, List<ClusterContender> clusters) {
    say(
        "Load; values of 256 bytes, %d keys; put and range: 1,000 clients on 100 connections spread over all members",
        Workload.KEYS);
    say(ClusterMeasurement.HEADINGS);
    for (var cluster : clusters) {
      var unused = cluster.start();
      var all = cluster.members();
      try (var load = Workload.PUT.connect(addresses(all), 1)) {
        var figures = ClusterMeasurement.of(all, load, times.cold);
        say(figures.line(Workload.PUT.title, "cold", cluster.name));
      }
      cluster.fill();
    }
    for (var workload : chosen)
      if (workload.connections > 1) byTurns(workload, workload.title, clusters, 0);
      else {
        byTurns(workload, workload.title + " leader", clusters, 0);
        byTurns(workload, workload.title + " follower", clusters, 1);
      }
    say("");
  }

  /**
   * @param first the member that a lone connection goes to, counted from the leader
   */
  private void byTurns(
      Workload workload, String title, List<ClusterContender> clusters, int first) {
    var loads = new ArrayList<UnaryLoad>();
    try {
      for (var cluster : clusters) {
        var all = addresses(cluster.members());
        var load = workload.connect(workload.connections > 1 ? all : List.of(all.get(first)), 1);
        loads.add(load);
        var unused = load.run(times.warmUp);
      }
      for (int round = 1; round <= times.rounds; round++)
        for (int c = 0; c < clusters.size(); c++) {
          var cluster = clusters.get(c);
          var figures = ClusterMeasurement.of(cluster.members(), loads.get(c), times.measured);
          say(figures.line(title, "warm " + round, cluster.name));
        }
    } finally {
      loads.forEach(UnaryLoad::close);
    }
  }

  /** What the members use when nobody asks them anything. */
  private void atRest(List<ClusterContender> clusters) {
    say("At rest for %d s, after the load", IDLE.toSeconds());
    say("%-14s %-32s %s", "cluster", "cpu ms/s leader+others", "RSS MiB leader+others");
    for (var cluster : clusters) {
      var all = cluster.members();
      var before = ClusterMeasurement.cpu(all);
      long until = System.nanoTime() + IDLE.toNanos();
      while (System.nanoTime() - until < 0) LockSupport.parkNanos(until - System.nanoTime());
      var after = ClusterMeasurement.cpu(all);
      var millisPerSecond = new ArrayList<Double>();
      for (int i = 0; i < before.size(); i++)
        millisPerSecond.add((after.get(i) - before.get(i)) / 1e3 / IDLE.toSeconds());
      say(
          "%-14s %-32s %s",
          cluster.name,
          ClusterMeasurement.joined(millisPerSecond, "%.1f"),
          ClusterMeasurement.joined(ClusterMeasurement.resident(all), "%.0f"));
    }
    say("");
  }

  private void leaderLosses(List<ClusterContender> clusters) {
    if (times.elections == 0) return;
    say(
        "Loss of the leader: longest time without an acknowledgement to a client that puts through the others every 5 ms, %d times each; election timeout %d ms",
        times.elections, LeaderLoss.ELECTION_TIMEOUT.toMillis());
    say(
        "%-14s %-10s %9s %9s %9s %26s",
        "cluster", "by", "min ms", "median ms", "max ms", "median, election timeouts");
    leaderLosses(clusters, "kill -9", Member::kill);
    leaderLosses(
        clusters,
        "SIGTERM",
        leader -> {
          if (leader.server().terminate() < 0) throw new IllegalStateException("no exit code");
        });
    say("");
  }

  private void leaderLosses(List<ClusterContender> clusters, String by, LeaderLoss.Way way) {
    var taken = new TreeMap<String, List<Double>>();
    for (int i = 0; i < times.elections; i++)
      for (var contender : clusters) {
        var cluster = contender.cluster();
        taken
            .computeIfAbsent(contender.name, n -> new ArrayList<>())
            .add(LeaderLoss.trial(cluster, way).toNanos() / 1e6);
        cluster.startAll();
      }
    taken.forEach(
        (name, millis) -> {
          var sorted = millis.stream().sorted().toList();
          double median = sorted.get(sorted.size() / 2);
          say(
              "%-14s %-10s %9.0f %9.0f %9.0f %26.2f",
              name,
              by,
              sorted.getFirst(),
              median,
              sorted.getLast(),
              median / LeaderLoss.ELECTION_TIMEOUT.toMillis());
        });
  }

  private static List<InetSocketAddress> addresses(List<Member> members) {
    return members.stream().map(ClusterContender::address).toList();
  }

  private void say(String format, Object... values) {
    out.println(values.length == 0 ? format : format.formatted(values));
    out.flush();
  }
}
