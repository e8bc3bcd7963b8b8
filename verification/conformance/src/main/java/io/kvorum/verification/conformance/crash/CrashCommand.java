package io.kvorum.verification.conformance.crash;

import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Any number of crashes. */
@Command(
    name = "crash",
    description =
        "Kill a server under load with SIGKILL again and again; nothing acknowledged may be lost.",
    mixinStandardHelpOptions = true)
public final class CrashCommand implements Callable<Integer> {
  @Option(names = "--subject", description = "The server to check (default: this repository's).")
  private @Nullable Path subject;

  @Option(names = "--cycles", defaultValue = "30", description = "Default: ${DEFAULT-VALUE}.")
  private int cycles;

  @Option(names = "--seed", defaultValue = "1", description = "Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    var out = spec == null ? new PrintWriter(System.out, true) : spec.commandLine().getOut();
    try (var server = ServerProcess.start(subject == null ? Binaries.kvorum() : subject)) {
      new CrashCampaign(server, seed, out::println).run(cycles);
      return 0;
    } catch (AssertionError broken) {
      out.println(broken);
      out.println(
          "replay: verification/campaign crash --seed "
              + seed
              + " --cycles "
              + cycles
              + (subject == null ? "" : " --subject " + subject));
      return 1;
    }
  }
}
