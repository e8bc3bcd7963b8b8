package io.kvorum.kvorumutl;

import io.kvorum.config.ConfigLoader;
import io.kvorum.config.ConfigResult;
import io.kvorum.config.ServerConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** {@code kvorumutl snapshot import}: from etcd to Kvorum. */
@CommandLine.Command(
    name = "import",
    description = {
      "Makes the data directory of a new Kvorum cluster's member out of an etcd snapshot: the same"
          + " keys with the same revisions, and their history back to the compacted revision.",
      "For a cluster of several, run it once for each member, with the same snapshot and the same"
          + " --initial-cluster; then start them with the flags given here."
    },
    mixinStandardHelpOptions = true)
final class SnapshotImportCommand implements Callable<Integer> {
  @CommandLine.Parameters(
      paramLabel = "FILE",
      description =
          "What etcdctl snapshot save has written, or member/snap/db of a stopped etcd's data"
              + " directory.")
  private Path file = Path.of("");

  @CommandLine.Option(
      names = "--data-dir",
      paramLabel = "DIR",
      required = true,
      description = "Where to make it; must not exist, or be empty.")
  private String dataDirectory = "";

  @CommandLine.Option(
      names = "--name",
      paramLabel = "NAME",
      description = "This member's name; as the server's flag, like those below.")
  private @Nullable String name;

  @CommandLine.Option(names = "--initial-cluster", paramLabel = "NAME=URL,...")
  private @Nullable String initialCluster;

  @CommandLine.Option(names = "--initial-cluster-token", paramLabel = "TOKEN")
  private @Nullable String initialClusterToken;

  @CommandLine.Option(names = "--initial-advertise-peer-urls", paramLabel = "URL,...")
  private @Nullable String initialAdvertisePeerUrls;

  @CommandLine.Option(
      names = "--skip-hash-check",
      description =
          "Do not ask for the checksum that ends a snapshot: needed for a file from a data"
              + " directory.")
  private boolean skipHashCheck;

  @CommandLine.Option(
      names = "--skip",
      paramLabel = "auth,lease,alarm",
      split = ",",
      description = "Leave behind what Kvorum has no place for yet. Without, it is refused.")
  private Set<String> skip = Set.of();

  @CommandLine.Spec
  private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

  @Override
  public Integer call() {
    new SnapshotImport(
            file,
            config(),
            skipHashCheck,
            skip,
            spec.commandLine().getOut(),
            spec.commandLine().getErr())
        .run();
    return 0;
  }

  /** The server's own rules for its flags, so that it starts on what is made here. */
  private ServerConfig config() {
    List<String> flags = new ArrayList<>(List.of("--data-dir=" + dataDirectory));
    addGiven(flags, "--name", name);
    addGiven(flags, "--initial-cluster", initialCluster);
    addGiven(flags, "--initial-cluster-token", initialClusterToken);
    addGiven(flags, "--initial-advertise-peer-urls", initialAdvertisePeerUrls);
    return switch (ConfigLoader.load(flags.toArray(String[]::new), Map.of())) {
      case ConfigResult.Loaded(ServerConfig config, List<String> warnings) -> config;
      case ConfigResult.Refused(List<String> errors, int exitCode) ->
          throw new RefusedException(String.join(System.lineSeparator() + "kvorumutl: ", errors));
      case ConfigResult.Help(String text) -> throw new IllegalStateException("help was not asked");
      case ConfigResult.Version(String text) ->
          throw new IllegalStateException("the version was not asked");
    };
  }

  private static void addGiven(List<String> flags, String flag, @Nullable String value) {
    if (value != null) {
      flags.add(flag + "=" + value);
    }
  }
}
