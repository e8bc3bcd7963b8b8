package io.kvorum.verification.conformance.chaos;

import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.MachineTime;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Any number of rounds, for any length of time. */
@Command(
    name = "chaos",
    description =
        "Kill, pause, cut apart, restart and replace the members of a cluster under load; nothing"
            + " acknowledged may be lost, and all members must end up equal.",
    mixinStandardHelpOptions = true)
public final class ChaosCommand implements Callable<Integer> {
  /** After so many absences one of them must have been followed by a snapshot. */
  private static final int ENOUGH_ABSENCES = 3;

  private static final int SHORTEST_HOLD_MILLIS = 500;

  @Option(names = "--subject", description = "The server to check (default: this repository's).")
  private @Nullable Path subject;

  @Option(names = "--peer", description = "An etcd to check instead, which checks the check.")
  private @Nullable Path peer;

  @Option(
      names = "--members",
      defaultValue = "3",
      description = "3 or 5. Default: ${DEFAULT-VALUE}.")
  private int members;

  @Option(names = "--minutes", defaultValue = "60", description = "Default: ${DEFAULT-VALUE}.")
  private double minutes;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Chooses faults, victims and loads. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--faults",
      split = ",",
      description = "Only these: ${COMPLETION-CANDIDATES}. Default: all.")
  private List<Fault> faults = List.of();

  @Option(
      names = "--longest-seconds",
      defaultValue = "8",
      description = "What a fault may last. Default: ${DEFAULT-VALUE}.")
  private int longestSeconds;

  @Option(
      names = "--data-parent",
      defaultValue = "/var/tmp",
      description = "Where the members' data goes. Default: ${DEFAULT-VALUE}.")
  private Path dataParent = Path.of("/var/tmp");

  @Option(
      names = "--artefacts",
      defaultValue = "verification/conformance/target/chaos",
      description = "Where logs and histories of a failed round go. Default: ${DEFAULT-VALUE}.")
  private Path artefacts = Path.of("target/chaos");

  @Spec private @Nullable CommandSpec spec;

  private final Map<Fault, List<Round>> done = new EnumMap<>(Fault.class);

  @Override
  public Integer call() {
    var out = spec == null ? new PrintWriter(System.out, true) : spec.commandLine().getOut();
    var launcher = peer != null ? peer : subject != null ? subject : Binaries.kvorum();
    var settings =
        new Chaos.Settings(
            launcher.toAbsolutePath(),
            members,
            seed,
            dataParent,
            faults.isEmpty() || faults.contains(Fault.FULL_DISK),
            artefacts.toAbsolutePath());
    out.println("seed " + seed + ", " + members + " members of " + launcher);
    try (var chaos = Chaos.start(settings)) {
      run(chaos, out);
      summary(out);
      if (done.getOrDefault(Fault.AWAY_FOR_SNAPSHOT, List.of()).size() >= ENOUGH_ABSENCES
          && count(Round::snapshotReceived) == 0)
        throw new AssertionError("no follower ever got a snapshot");
      out.println("verdict: nothing lost, nothing out of order, all members equal");
      return 0;
    } catch (AssertionError broken) {
      summary(out);
      out.println("verdict: BROKEN");
      out.println(broken.getMessage());
      out.println("again: " + replay());
      return 1;
    } finally {
      out.flush();
    }
  }

  private String replay() {
    return "verification/campaign chaos --seed %d --members %d --minutes %s%s%s"
        .formatted(
            seed,
            members,
            minutes,
            peer == null ? "" : " --peer " + peer,
            subject == null ? "" : " --subject " + subject);
  }

  private void run(Chaos chaos, PrintWriter out) {
    var chosen =
        List.of(Fault.values()).stream()
            .filter(fault -> faults.isEmpty() || faults.contains(fault))
            .filter(
                fault -> {
                  if (chaos.fits(fault)) return true;
                  out.println("left out: " + fault.title());
                  return false;
                })
            .toList();
    if (chosen.isEmpty()) throw new IllegalArgumentException("none of these faults fits here");
    var random = new SplittableRandom(seed);
    long until = MachineTime.nanos() + (long) (minutes * Duration.ofMinutes(1).toNanos());
    var deck = new ArrayList<Fault>();
    while (MachineTime.nanos() - until < 0) {
      if (deck.isEmpty()) deck.addAll(chosen);
      var fault = deck.remove(random.nextInt(deck.size()));
      var hold =
          Duration.ofMillis(
              random.nextInt(SHORTEST_HOLD_MILLIS, Math.max(1, longestSeconds) * 1000));
      var round = chaos.round(fault, hold);
      done.computeIfAbsent(fault, f -> new ArrayList<>()).add(round);
      out.println(round);
      out.flush();
    }
  }

  private void summary(PrintWriter out) {
    out.println();
    out.println(
        "%-62s %6s %21s %21s %21s"
            .formatted(
                "fault",
                "rounds",
                "go on: median / max",
                "heal: median / max",
                "gap: median / max"));
    long answers = 0;
    for (var entry : done.entrySet()) {
      var rounds = entry.getValue();
      out.println(
          "%-62s %6d %21s %21s %21s"
              .formatted(
                  entry.getKey().title(),
                  rounds.size(),
                  spread(
                      rounds.stream().map(Round::wentOnAfter).flatMap(Optional::stream).toList()),
                  spread(rounds.stream().map(Round::healedAfter).toList()),
                  spread(rounds.stream().map(Round::longestGap).toList())));
      for (var round : rounds) answers += round.answered();
    }
    out.println(
        "%d rounds, %d answers to clients, %d snapshots after absences, %d rounds without an order found within the bound"
            .formatted(
                done.values().stream().mapToInt(List::size).sum(),
                answers,
                count(Round::snapshotReceived),
                count(Round::undecided)));
    if (MachineTime.stoodStill().isPositive())
      out.println(
          "the machine itself stood still for " + MachineTime.stoodStill().toSeconds() + " s");
  }

  private long count(Predicate<Round> which) {
    return done.values().stream().flatMap(List::stream).filter(which).count();
  }

  private static String spread(List<Duration> lengths) {
    if (lengths.isEmpty()) return "-";
    var sorted = lengths.stream().sorted().toList();
    return Round.seconds(sorted.get(sorted.size() / 2)) + " / " + Round.seconds(sorted.getLast());
  }
}
