package io.kvorum.verification.conformance;

import io.kvorum.verification.conformance.chaos.ChaosCommand;
import io.kvorum.verification.conformance.crash.CrashCommand;
import io.kvorum.verification.conformance.differential.DifferentialCommand;
import picocli.CommandLine;

/** The long forms of the black-box checks, for a terminal. */
@CommandLine.Command(
    name = "campaign",
    description = "Long black-box checks of a server against a real etcd.",
    subcommands = {DifferentialCommand.class, CrashCommand.class, ChaosCommand.class},
    synopsisSubcommandLabel = "COMMAND",
    mixinStandardHelpOptions = true)
public final class Campaign {
  private Campaign() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new Campaign()).execute(args));
  }
}
