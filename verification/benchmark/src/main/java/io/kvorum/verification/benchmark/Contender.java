package io.kvorum.verification.benchmark;

import io.kvorum.verification.benchmark.wire.UnaryLoad;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.io.File;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/** One of the servers that are compared, as a process of ours. */
final class Contender implements AutoCloseable {
  private static final Duration READY_LIMIT = Duration.ofMinutes(1);
  private static final Duration PROBE_EVERY = Duration.ofMillis(2);
  private static final Duration PROBE_LIMIT = Duration.ofSeconds(5);

  final String name;
  private final ServerProcess server;

  /** Not started yet. */
  Contender(String name, Path launcher, Path dataParent) {
    this(name, launcher, ServerProcess.Settings.plain().dataUnder(dataParent));
  }

  Contender(String name, Path launcher, ServerProcess.Settings settings) {
    this.name = name;
    this.server = ServerProcess.notStarted(launcher, settings);
  }

  /** Starts it and returns how long it was until a linearizable read was answered. */
  Duration start() {
    long began = System.nanoTime();
    server.launch();
    while (!answers()) {
      if (!server.isAlive())
        throw new IllegalStateException(name + " ended:\n" + server.outputEnd());
      if (System.nanoTime() - began > READY_LIMIT.toNanos())
        throw new IllegalStateException(name + " is not ready within " + READY_LIMIT);
      LockSupport.parkNanos(PROBE_EVERY.toNanos());
    }
    return Duration.ofNanos(System.nanoTime() - began);
  }

  private boolean answers() {
    try (var probe = Workload.RANGE_LONE.connect(address(), 1)) {
      return probe.run(1, PROBE_LIMIT).answers() == 1;
    } catch (UncheckedIOException notYet) {
      return false;
    }
  }

  /** Every key of the workloads is there afterwards. */
  void fill() {
    try (var load =
        new UnaryLoad(
            address(),
            Workload.PUT.method,
            Workload.PUT.connections,
            Workload.PUT.clients,
            Workload.fill(1))) {
      var result = load.run(Workload.KEYS);
      if (result.answers() != Workload.KEYS)
        throw new IllegalStateException(name + " did not take the keys: " + result.failures());
    }
  }

  /** Puts the first key of {@link LargeKeys}, and waits for the answer. */
  void putOne() {
    try (var load = new UnaryLoad(address(), Workload.PUT.method, 1, 1, LargeKeys.puts(1, 1))) {
      if (load.run(1, PROBE_LIMIT).answers() != 1)
        throw new IllegalStateException(name + " takes no put");
    }
  }

  InetSocketAddress address() {
    return new InetSocketAddress("127.0.0.1", server.clientPort());
  }

  long cpuMicros() {
    return ProcessFigures.cpuMicros(server.pid());
  }

  double residentMib() {
    return ProcessFigures.residentKib(server.pid()) / 1024.0;
  }

  /** Of that, what no file stands behind: the kernel cannot take it back at will. */
  double anonymousMib() {
    return ProcessFigures.anonymousKib(server.pid()) / 1024.0;
  }

  /** Everything in its data directory; a running server removes files while they are counted. */
  double dataMib() {
    return bytes(server.dataDirectory().toFile()) / 1048576.0;
  }

  private static long bytes(File file) {
    var children = file.listFiles();
    if (children == null) return file.length();
    return Arrays.stream(children).mapToLong(Contender::bytes).sum();
  }

  /** A connection of the ordinary kind. */
  Connection client() {
    return Connection.to(server.address());
  }

  void kill() {
    server.kill();
  }

  /** A figure of the kernel's status page, such as RssAnon. */
  double statusMib(String figure) {
    return server.status(figure) / 1024.0;
  }

  void stop() {
    server.terminate();
  }

  @Override
  public void close() {
    server.close();
  }
}
