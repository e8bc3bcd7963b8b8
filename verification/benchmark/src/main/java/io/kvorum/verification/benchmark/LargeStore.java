package io.kvorum.verification.benchmark;

import io.kvorum.verification.benchmark.wire.UnaryLoad;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A store far larger than its server's heap: its speed, its start after a kill, its content. */
@Command(
    name = "large",
    description = "Fill a server with many small keys; measure it, kill it, start it, check it.",
    mixinStandardHelpOptions = true)
public final class LargeStore implements Callable<Integer> {
  /** A run of the fill; one line of report each. */
  private static final int FILL_PORTION = 1_000_000;

  private static final int FILL_CONNECTIONS = 4;
  private static final int FILL_CLIENTS = 16;
  private static final int CONNECTIONS = 100;
  private static final int CLIENTS = 1000;

  /**
   * LevelDB's work behind a load counts as done when the server uses less than this of a second.
   */
  private static final double IDLE_SHARE = 0.1;

  private static final Duration IDLE_FOR = Duration.ofSeconds(1);

  /** A store that takes longer is measured with its compactions running. */
  private static final Duration IDLE_LIMIT = Duration.ofSeconds(20);

  enum Step {
    fill,
    speed,
    crash,
    check,
    all
  }

  @Option(names = "--subject", description = "The server to measure (default: this repository's).")
  private @Nullable Path subject;

  @Option(
      names = "--keys",
      defaultValue = "20000000",
      description = "At most 100,000,000. Default: ${DEFAULT-VALUE}.")
  private int keys;

  @Option(
      names = "--few-keys",
      defaultValue = "100000",
      description = "The store to compare with. Default: ${DEFAULT-VALUE}.")
  private int fewKeys;

  @Option(
      names = "--data",
      defaultValue = "/var/tmp/kvorum-large",
      description = "Kept, and used again. Default: ${DEFAULT-VALUE}.")
  private Path data = Path.of("/var/tmp/kvorum-large");

  @Option(
      names = "--steps",
      split = ",",
      defaultValue = "fill,speed,crash,check",
      description =
          "fill, speed, crash, check (a sample), all (reads every key). Default: ${DEFAULT-VALUE}.")
  private List<Step> steps = List.of();

  @Option(names = "--sequential", description = "Fill in the order of the keys, not at random.")
  private boolean sequential;

  @Option(
      names = "--java-options",
      defaultValue = "-Xmx512m",
      description = "For the server's JVM. Default: ${DEFAULT-VALUE}.")
  private String javaOptions = "-Xmx512m";

  @Option(names = "--rounds", defaultValue = "2", description = "Default: ${DEFAULT-VALUE}.")
  private int rounds;

  @Option(
      names = "--seconds",
      defaultValue = "10",
      description = "Measured, per turn. Default: ${DEFAULT-VALUE}.")
  private int seconds;

  @Option(
      names = "--warm-up-seconds",
      defaultValue = "10",
      description = "Before the first turn of each load. Default: ${DEFAULT-VALUE}.")
  private int warmUpSeconds;

  @Option(names = "--kills", defaultValue = "3", description = "Default: ${DEFAULT-VALUE}.")
  private int kills;

  @Option(
      names = "--sample",
      defaultValue = "10000",
      description = "Keys read to check. Default: ${DEFAULT-VALUE}.")
  private int sample;

  @Option(names = "--seed", defaultValue = "1", description = "Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Spec private CommandLine.Model.@Nullable CommandSpec spec;

  private PrintWriter out = new PrintWriter(System.out, true);

  public static void main(String[] args) {
    System.exit(new CommandLine(new LargeStore()).execute(args));
  }

  @Override
  public Integer call() {
    if (spec != null) out = spec.commandLine().getOut();
    try (var server = contender("%,d keys".formatted(keys), data)) {
      say("start: ready after %.0f ms", server.start().toNanos() / 1e6);
      if (steps.contains(Step.fill)) fill(server, data, keys);
      if (steps.contains(Step.speed)) speed(server);
      if (steps.contains(Step.crash)) for (int i = 0; i < kills; i++) crash(server, seed + i);
      if (steps.contains(Step.check)) {
        LargeCrash.checkSample(server, keys, sample, seed);
        say(
            "check: %,d of %,d keys read, all right; as many keys as there should be",
            sample, keys);
      }
      if (steps.contains(Step.all)) {
        LargeCrash.checkAll(server, keys);
        say("check: every key and its value are right");
      }
      memory(server);
      server.stop();
      return 0;
    } catch (AssertionError broken) {
      say("%s", broken);
      return 1;
    }
  }

  private Contender contender(String name, @Nullable Path directory) {
    var plain = ServerProcess.Settings.plain().with("KVORUM_JAVA_OPTIONS", javaOptions);
    var settings = directory == null ? plain.dataUnder(parent()) : plain.dataIn(directory);
    return new Contender(name, subject == null ? Binaries.kvorum() : subject, settings);
  }

  private Path parent() {
    var parent = data.toAbsolutePath().getParent();
    return parent == null ? Path.of("/") : parent;
  }

  /** What a directory was filled with already stands beside it, as text. */
  private void fill(Contender server, Path directory, int wanted) {
    var mark = directory.resolveSibling(directory.getFileName() + ".filled");
    int from = Files.exists(mark) ? Integer.parseInt(read(mark)) : 0;
    while (from < wanted) {
      int portion = Math.min(FILL_PORTION, wanted - from);
      fill(server, wanted, from, portion);
      from += portion;
      write(mark, Integer.toString(from));
    }
  }

  private void fill(Contender server, int wanted, int from, int portion) {
    var messages = LargeKeys.fill(wanted, from, !sequential, 0);
    try (var load =
        new UnaryLoad(
            server.address(), "etcdserverpb.KV/Txn", FILL_CONNECTIONS, FILL_CLIENTS, messages)) {
      long txns = Math.ceilDiv(portion, LargeKeys.PUTS_PER_TXN);
      var result = load.run(txns);
      if (result.answers() != txns) throw new AssertionError("not filled: " + result.failures());
      say(
          "fill: %,d keys, %.0f puts/s, p99 %.0f ms, longest %.0f ms; RSS %.0f MiB of which %.0f its own, data %.0f MiB",
          from + portion,
          portion * 1e9 / result.elapsed().toNanos(),
          result.latencyNanos().getValueAtPercentile(99) / 1e6,
          result.latencyNanos().getMaxValue() / 1e6,
          server.residentMib(),
          server.statusMib("RssAnon"),
          server.dataMib());
    }
  }

  private void speed(Contender large) {
    say(Measurement.HEADINGS);
    try (var few = contender("%,d keys".formatted(fewKeys), null)) {
      var unused = few.start();
      fill(few, fewKeys, 0, fewKeys);
      compare("get", "etcdserverpb.KV/Range", few, large);
      compare("put", "etcdserverpb.KV/Put", few, large);
    }
  }

  private void compare(String title, String method, Contender few, Contender large) {
    var servers = List.of(few, large);
    var loads = new ArrayList<UnaryLoad>();
    var totals = new double[2];
    try {
      for (int s = 0; s < 2; s++) {
        int n = s == 0 ? fewKeys : keys;
        var messages = title.equals("get") ? LargeKeys.gets(n, seed) : LargeKeys.puts(n, seed);
        loads.add(new UnaryLoad(servers.get(s).address(), method, CONNECTIONS, CLIENTS, messages));
        var unused = loads.get(s).run(Duration.ofSeconds(warmUpSeconds));
      }
      for (int round = 1; round <= rounds; round++) {
        for (int s = 0; s < 2; s++) {
          for (var server : servers) awaitIdle(server);
          var figures = Measurement.of(servers.get(s), loads.get(s), Duration.ofSeconds(seconds));
          totals[s] += figures.load().answersPerSecond();
          say("%s", figures.line(title, "round " + round, servers.get(s).name));
        }
      }
    } finally {
      loads.forEach(UnaryLoad::close);
    }
    say("%s: %.0f %% of the speed at %,d keys", title, 100 * totals[1] / totals[0], fewKeys);
  }

  /** What one load has left for LevelDB to do must not slow the next one down. */
  private void awaitIdle(Contender server) {
    long limit = System.nanoTime() + IDLE_LIMIT.toNanos();
    while (System.nanoTime() < limit) {
      long before = server.cpuMicros();
      long until = System.nanoTime() + IDLE_FOR.toNanos();
      while (System.nanoTime() < until) LockSupport.parkNanos(until - System.nanoTime());
      if (server.cpuMicros() - before < IDLE_SHARE * IDLE_FOR.toNanos() / 1000) return;
    }
    say("%s: still compacting", server.name);
  }

  private void crash(Contender server, long chosen) {
    var crash = new LargeCrash(keys, chosen);
    int acknowledged = crash.putAndKill(server, Duration.ofSeconds(seconds));
    long began = System.nanoTime();
    double read = server.start().toNanos() / 1e6;
    server.putOne();
    double both = (System.nanoTime() - began) / 1e6;
    crash.checkAcknowledged(server);
    say(
        "kill -9 under puts: %,d were acknowledged, none is lost; after the start a linearizable read took %.0f ms, a put %.0f ms",
        acknowledged, read, both);
  }

  private void memory(Contender server) {
    say(
        "memory: RSS %.0f MiB, of which %.0f are the process's own and %.0f mapped files; data %.0f MiB",
        server.residentMib(),
        server.statusMib("RssAnon"),
        server.statusMib("RssFile"),
        server.dataMib());
  }

  private static String read(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void say(String format, Object... values) {
    out.println(values.length == 0 ? format : format.formatted(values));
    out.flush();
  }
}
