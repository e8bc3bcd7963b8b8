package io.kvorum.verification.simulation;

import java.io.PrintStream;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** Runs seeds from a terminal, as many as wanted. */
@CommandLine.Command(
    name = "simulate",
    description =
        "Runs clusters on virtual time, one per seed, with faults, and checks them after every"
            + " event. Ends with the first failure.",
    mixinStandardHelpOptions = true)
public final class Simulate implements Callable<Integer> {
  @CommandLine.Option(names = "--seeds", description = "How many; default ${DEFAULT-VALUE}.")
  private long seeds = 1000;

  @CommandLine.Option(names = "--from", description = "The first one; default ${DEFAULT-VALUE}.")
  private long from = 1;

  @CommandLine.Option(names = "--threads", description = "Default: one per processor.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @CommandLine.Option(names = "--only", description = "Keep only these faults.", split = ",")
  private @Nullable Set<Integer> only;

  @CommandLine.Option(
      names = "--shrink",
      description = "Drop faults of a failing seed as long as it fails in the same way.")
  private boolean shrink;

  private final PrintStream out = System.out;
  private final AtomicLong done = new AtomicLong();
  private final AtomicLong operations = new AtomicLong();
  private final AtomicLong entries = new AtomicLong();

  private final AtomicReference<Slow> slowest = new AtomicReference<>(new Slow(0, 0));

  private record Slow(long seed, long nanos) {
    static Slow max(Slow a, Slow b) {
      return a.nanos >= b.nanos ? a : b;
    }
  }

  private Simulate() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new Simulate()).execute(args));
  }

  @Override
  public Integer call() throws InterruptedException {
    long begun = System.nanoTime();
    AtomicLong next = new AtomicLong(from);
    AtomicInteger failures = new AtomicInteger();
    Thread[] workers = new Thread[threads];
    for (int i = 0; i < threads; i++) {
      workers[i] = Thread.ofPlatform().start(() -> work(next, failures, begun));
    }
    for (Thread worker : workers) {
      worker.join();
    }
    progress(begun, "\n");
    Slow slow = Objects.requireNonNull(slowest.get());
    out.printf("the slowest seed, %d, took %d ms%n", slow.seed(), slow.nanos() / 1_000_000);
    return failures.get() == 0 ? 0 : 1;
  }

  private void work(AtomicLong next, AtomicInteger failures, long begun) {
    while (failures.get() == 0) {
      long seed = next.getAndIncrement();
      if (seed >= from + seeds) {
        return;
      }
      Plan plan = Plan.of(seed);
      Set<Integer> kept = only;
      if (kept != null) {
        plan = plan.only(f -> kept.contains(f.number()));
      }
      long seedBegun = System.nanoTime();
      SeedRun.Result result;
      try {
        result = SeedRun.run(plan, Tampering.NONE);
      } catch (RuntimeException e) {
        failures.incrementAndGet();
        throw new IllegalStateException("seed " + seed + " broke the simulator", e);
      }
      slowest.accumulateAndGet(new Slow(seed, System.nanoTime() - seedBegun), Slow::max);
      operations.addAndGet(result.operations());
      entries.addAndGet(result.entries());
      if (done.incrementAndGet() % 100 == 0) {
        progress(begun, "\r");
      }
      if (result.failure() != null && failures.getAndIncrement() == 0) {
        report(shrink ? Shrinking.shrink(result, Tampering.NONE) : result);
      }
    }
  }

  private synchronized void progress(long begun, String end) {
    double seconds = (System.nanoTime() - begun) / 1e9;
    out.printf(
        "%d of %d seeds, %d operations, %d entries committed, %.0f s, %.1f seeds/s%s",
        done.get(), seeds, operations.get(), entries.get(), seconds, done.get() / seconds, end);
    out.flush();
  }

  private synchronized void report(SeedRun.Result failed) {
    out.println();
    out.println(describe(failed));
  }

  /** What a reader needs to understand a failure, and to see it again. */
  static String describe(SeedRun.Result failed) {
    Plan plan = failed.plan();
    String faults = plan.faults().stream().map(f -> "\n  " + f).collect(Collectors.joining());
    boolean all = plan.faults().size() == Plan.of(plan.seed()).faults().size();
    String kept =
        all
            ? ""
            : " --only="
                + plan.faults().stream()
                    .map(f -> Integer.toString(f.number()))
                    .collect(Collectors.joining(","));
    return "seed "
        + plan.seed()
        + " failed\n"
        + (failed.failure() == null ? "" : failed.failure().getMessage())
        + "\n"
        + plan.setup().members()
        + " members, faults:"
        + (faults.isEmpty() ? " none" : faults)
        + "\nthe last of what happened:\n  "
        + String.join("\n  ", failed.tail())
        + "\nreplay: verification/simulate --seeds=1 --from="
        + plan.seed()
        + kept;
  }

  /** For tests in another class loader: the failure of a seed, or null. */
  static @Nullable String failureOf(long seed) {
    SeedRun.Result result = SeedRun.run(Plan.of(seed), Tampering.NONE);
    return result.failure() == null ? null : result.failure().invariant();
  }
}
