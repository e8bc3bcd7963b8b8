package io.kvorum.verification.conformance.differential;

import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.Directories;
import io.kvorum.verification.conformance.harness.ServerProcess;
import io.kvorum.verification.conformance.harness.ServerProcess.Settings;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Any number of requests to a reference and to a subject, each started here on data of its own. */
@Command(
    name = "differential",
    description =
        "Send one seeded stream of requests to a real etcd and to Kvorum; all answers must be equal.",
    mixinStandardHelpOptions = true)
public final class DifferentialCommand implements Callable<Integer> {
  private static final long REPORT_EVERY = 100_000;

  @Option(names = "--peer", description = "The reference: an etcd binary (default: Debian's).")
  private @Nullable Path peer;

  @Option(names = "--subject", description = "The server to check (default: this repository's).")
  private @Nullable Path subject;

  @Option(names = "--requests", defaultValue = "20000", description = "Default: ${DEFAULT-VALUE}.")
  private long requests;

  @Option(names = "--seed", defaultValue = "1", description = "Default: ${DEFAULT-VALUE}.")
  private long seed;

  private long nextReport = REPORT_EVERY;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    var out = spec == null ? new PrintWriter(System.out, true) : spec.commandLine().getOut();
    var settings = Settings.plain().dataUnder(Directories.fast());
    var began = Instant.now();
    try (var right = ServerProcess.start(peer == null ? Binaries.etcd() : peer, settings);
        var given = ServerProcess.start(subject == null ? Binaries.kvorum() : subject, settings)) {
      try (var reference = Connection.to(right.address());
          var checked = Connection.to(given.address())) {
        var run = new Differential(reference, checked, seed);
        var result = run.run(requests, done -> report(out, done, began));
        out.printf(
            "%d requests with seed %d answered alike, %d of them refusals, in %d s%n",
            result.requests(), seed, result.refused(), elapsed(began).toSeconds());
        result.differences().forEach((known, times) -> out.printf("  %s: %d%n", known, times));
        return 0;
      } catch (Differential.Mismatch mismatch) {
        out.println(mismatch.getMessage());
        for (var server : List.of(right, given))
          if (!server.isAlive()) out.println(server + " has ended:\n" + server.outputEnd());
        out.println("replay: " + replay());
        return 1;
      }
    }
  }

  private String replay() {
    return "verification/campaign differential --seed "
        + seed
        + " --requests "
        + requests
        + (peer == null ? "" : " --peer " + peer)
        + (subject == null ? "" : " --subject " + subject);
  }

  private void report(PrintWriter out, long done, Instant began) {
    if (done < nextReport) return;
    nextReport += REPORT_EVERY;
    out.printf("%d requests in %d s%n", done, elapsed(began).toSeconds());
    out.flush();
  }

  private static Duration elapsed(Instant began) {
    return Duration.between(began, Instant.now());
  }
}
