package io.kvorum.verification.benchmark;

import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Loopback;
import io.kvorum.verification.conformance.cluster.Member;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Directories;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Leases and locks beside etcd. */
@Command(
    name = "leases",
    description = "What leases and locks cost, beside etcd.",
    mixinStandardHelpOptions = true)
public final class LeaseBenchmark implements Runnable {
  private static final String REVOKED = "etcd_debugging_lease_revoked_total";
  private static final Duration DRAIN_LIMIT = Duration.ofMinutes(3);

  @Option(names = "--subject", description = "the server's launcher; Kvorum's by default")
  private @Nullable Path subject;

  @Option(names = "--peer", description = "The etcd to compare with (default: Debian's).")
  private @Nullable Path peer;

  @Option(names = "--members", defaultValue = "1", description = "${DEFAULT-VALUE}")
  private int members;

  @Option(names = "--seconds", defaultValue = "5", description = "of each measurement")
  private int seconds;

  @Option(
      names = "--loads",
      split = ",",
      defaultValue = "keepalive,cycle,drain,lock",
      description = "${DEFAULT-VALUE}")
  private List<String> loads = List.of();

  @Option(names = "--drain", defaultValue = "100000", description = "leases that end together")
  private int drained;

  @Option(
      names = "--drain-after",
      defaultValue = "60",
      description = "seconds; granting them must not take longer")
  private int drainAfterSeconds;

  public static void main(String[] args) {
    System.exit(new CommandLine(new LeaseBenchmark()).execute(args));
  }

  @Override
  public void run() {
    Map<String, Path> programs = new LinkedHashMap<>();
    programs.put("etcd", peer == null ? Binaries.etcd() : peer);
    programs.put("kvorum", subject == null ? Binaries.kvorum() : subject);
    programs.forEach(this::measure);
  }

  private void measure(String name, Path launcher) {
    var setup =
        Cluster.Setup.of(launcher, new Loopback(members), members).dataUnder(Directories.fast());
    try (var cluster = Cluster.start(setup);
        var load = new LeaseLoads(addresses(cluster))) {
      for (var each : loads)
        switch (each) {
          case "keepalive" -> keepAlive(name, load);
          case "cycle" -> cycle(name, load);
          case "drain" -> drain(name, cluster, load);
          case "lock" -> lock(name, load);
          default -> throw new IllegalArgumentException("no load " + each);
        }
    }
  }

  private static List<String> addresses(Cluster cluster) {
    return cluster.members().stream().map(Member::address).toList();
  }

  private void keepAlive(String server, LeaseLoads load) {
    load.grant(1, 1000, id -> 3600);
    for (int window : new int[] {1, 16}) {
      var warm = load.keepAlive(1000, 64, window, Duration.ofSeconds(seconds));
      var measured = load.keepAlive(1000, 64, window, Duration.ofSeconds(seconds));
      if (warm.count() == 0) throw new IllegalStateException("nothing was renewed");
      say(server, "keep-alive, 1,000 leases, 64 streams, %d under way".formatted(window), measured);
    }
  }

  private void cycle(String server, LeaseLoads load) {
    var warm = load.cycles(64, Duration.ofSeconds(seconds));
    if (warm.count() == 0) throw new IllegalStateException("nothing was done");
    say(
        server,
        "grant + attach + revoke, 64 clients",
        load.cycles(64, Duration.ofSeconds(seconds)));
  }

  /** They are granted one after the other, each for what is left until they all end. */
  private void drain(String server, Cluster cluster, LeaseLoads load) {
    var leader = cluster.leader();
    double before = leader.counter(REVOKED);
    long end = System.nanoTime() + Duration.ofSeconds(drainAfterSeconds).toNanos();
    load.grant(
        1_000_001,
        drained,
        id -> Math.max(2, Math.ceilDiv(end - System.nanoTime(), 1_000_000_000L)));
    double granted = (System.nanoTime() - end) / 1e9 + drainAfterSeconds;
    say("%-8s granted %d leases in %.1f s".formatted(server, drained, granted));
    var quiet = new CompletableFuture<Void>();
    var calm = CompletableFuture.supplyAsync(() -> load.puts(200, quiet));
    LeaseLoads.idle(Duration.ofNanos(end - System.nanoTime() - 2_000_000_000L));
    quiet.complete(null);
    say(server, "put, 200 a second, before", calm.join());
    var over = new CompletableFuture<Void>();
    var puts = CompletableFuture.supplyAsync(() -> load.puts(200, over));
    double last = -1;
    while (leader.counter(REVOKED) - before < drained
        && System.nanoTime() - end < DRAIN_LIMIT.toNanos()) {
      last = leader.counter(REVOKED) - before;
      LeaseLoads.idle(Duration.ofMillis(100));
    }
    over.complete(null);
    say(
        "%-8s all but %d of %d gone %.1f s after their time"
            .formatted(
                server,
                (long) (drained - (leader.counter(REVOKED) - before)),
                drained,
                (System.nanoTime() - end) / 1e9));
    say(server, "put, 200 a second, meanwhile", puts.join());
    if (last < 0) say("gone before their time, or all at once");
  }

  private void lock(String server, LeaseLoads load) {
    int round = 0;
    var warmUntil = System.nanoTime() + Duration.ofSeconds(2L * seconds).toNanos();
    while (System.nanoTime() - warmUntil < 0) load.handOver(1000, round++);
    for (int i = 0; i < 3; i++)
      say(server, "lock hand-over, 100 waiters", load.handOver(100, round++));
  }

  private static void say(String server, String what, LeaseLoads.Result result) {
    say(
        "%-8s %-52s %9.0f/s  p50 %8.3f ms  p99 %8.3f ms  max %8.1f ms"
            .formatted(
                server,
                what,
                result.perSecond(),
                result.nanos().getValueAtPercentile(50) / 1e6,
                result.nanos().getValueAtPercentile(99) / 1e6,
                result.nanos().getMaxValue() / 1e6));
  }

  private static void say(String line) {
    System.out.println(line);
  }
}
