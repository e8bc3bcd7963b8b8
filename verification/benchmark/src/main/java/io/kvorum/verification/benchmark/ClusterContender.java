package io.kvorum.verification.benchmark;

import io.kvorum.verification.benchmark.wire.UnaryLoad;
import io.kvorum.verification.conformance.cluster.Cluster;
import io.kvorum.verification.conformance.cluster.Loopback;
import io.kvorum.verification.conformance.cluster.Member;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** One of the clusters that are compared. */
final class ClusterContender implements AutoCloseable {
  private static final Duration READY_LIMIT = Duration.ofMinutes(1);
  private static final Duration PROBE_EVERY = Duration.ofMillis(5);
  private static final Duration PROBE_LIMIT = Duration.ofSeconds(5);

  final String name;
  private final Cluster cluster;

  /** Not started yet. */
  ClusterContender(String name, Path launcher, int members, Path dataParent) {
    this.name = name;
    var setup = Cluster.Setup.of(launcher, new Loopback(members), members).dataUnder(dataParent);
    this.cluster = Cluster.notStarted(setup);
  }

  /** Starts all together; how long it was until each had answered a linearizable read. */
  Duration start() {
    long began = System.nanoTime();
    for (var member : cluster.members()) member.server().launch();
    var waiting = new ArrayList<>(cluster.members());
    while (!waiting.isEmpty()) {
      waiting.removeIf(ClusterContender::answers);
      for (var member : waiting)
        if (!member.server().isAlive())
          throw new IllegalStateException(name + " ended:\n" + member.server().outputEnd());
      if (System.nanoTime() - began > READY_LIMIT.toNanos())
        throw new IllegalStateException(
            name + " is not ready: " + waiting + "\n" + waiting.getFirst().server().outputEnd());
      LockSupport.parkNanos(PROBE_EVERY.toNanos());
    }
    return Duration.ofNanos(System.nanoTime() - began);
  }

  private static boolean answers(Member member) {
    try (var probe = Workload.RANGE_LONE.connect(address(member), 1)) {
      return probe.run(1, PROBE_LIMIT).answers() == 1;
    } catch (UncheckedIOException notYet) {
      return false;
    }
  }

  Cluster cluster() {
    return cluster;
  }

  /** The leader first. */
  List<Member> members() {
    var order = new ArrayList<Member>();
    order.add(cluster.leader());
    for (var member : cluster.members()) if (member != order.getFirst()) order.add(member);
    return order;
  }

  static InetSocketAddress address(Member member) {
    var place = member.server().place();
    return new InetSocketAddress(place.host(), place.clientPort());
  }

  /** Every key of the workloads is there afterwards. */
  void fill() {
    var addresses = members().stream().map(ClusterContender::address).toList();
    try (var load =
        new UnaryLoad(
            addresses,
            Workload.PUT.method,
            Workload.PUT.connections,
            Workload.PUT.clients,
            Workload.fill(1))) {
      var result = load.run(Workload.KEYS);
      if (result.answers() != Workload.KEYS)
        throw new IllegalStateException(name + " did not take the keys: " + result.failures());
    }
  }

  @Override
  public void close() {
    cluster.close();
  }
}
