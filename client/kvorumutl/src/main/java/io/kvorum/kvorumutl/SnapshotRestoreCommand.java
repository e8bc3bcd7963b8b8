package io.kvorum.kvorumutl;

import io.kvorum.config.ConfigLoader;
import io.kvorum.config.ConfigResult;
import io.kvorum.config.ServerConfig;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/**
 * {@code kvorumutl snapshot restore}: a new cluster with a snapshot's content, as etcdutl's command
 * makes one. An etcd's snapshot is taken too, for which the command has a second name.
 */
@CommandLine.Command(
    name = "restore",
    aliases = "import",
    description = {
      "Makes the data directory of a new cluster's member out of a snapshot, Kvorum's or etcd's:"
          + " the same keys with the same revisions, and their history back to the compacted"
          + " revision. Member and cluster get new ids.",
      "For a cluster of several, run it once for each member, with the same snapshot and the same"
          + " --initial-cluster; then start them with the flags given here."
    },
    mixinStandardHelpOptions = true)
final class SnapshotRestoreCommand implements Callable<Integer> {
  @CommandLine.Parameters(
      paramLabel = "FILE",
      description =
          "What etcdctl snapshot save has written, or member/snap/db of a stopped etcd's data"
              + " directory.")
  private Path file = Path.of("");

  @CommandLine.Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "Where to make it; must not exist, or be empty. Default: NAME.etcd.")
  private @Nullable String dataDirectory;

  @CommandLine.Option(
      names = "--wal-dir",
      paramLabel = "DIR",
      description = "Where to make its log, if not in the data directory.")
  private @Nullable String walDirectory;

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
          "Do not ask for the checksum that ends a snapshot: needed for a file from an etcd's data"
              + " directory.")
  private boolean skipHashCheck;

  @CommandLine.Option(
      names = "--bump-revision",
      paramLabel = "N",
      description = "Raise the revision by so much, so that no client ever sees it go back.")
  private long bump;

  @CommandLine.Option(
      names = "--mark-compacted",
      description =
          "Everything up to the raised revision counts as compacted, so that watchers are told to"
              + " begin anew. Belongs to --bump-revision.")
  private boolean markCompacted;

  @CommandLine.Option(
      names = "--skip",
      paramLabel = "auth,lease,alarm",
      split = ",",
      description =
          "Of an etcd's snapshot, leave this behind. What Kvorum has no place for yet (auth, lease)"
              + " is refused without.")
  private Set<String> skip = Set.of();

  @CommandLine.Option(
      names = "--initial-memory-map-size",
      paramLabel = "BYTES",
      description = "Accepted for etcdutl's sake: nothing is mapped here.")
  private long memoryMapBytes;

  @CommandLine.Spec
  private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

  @Override
  public Integer call() {
    if (bump < 0 || (bump > 0) != markCompacted) {
      throw new CommandLine.ParameterException(
          spec.commandLine(),
          "--bump-revision, above 0, and --mark-compacted need each other: clients that know"
              + " revisions in between must be told that these are gone");
    }
    PrintWriter err = spec.commandLine().getErr();
    if (memoryMapBytes != 0) {
      err.println("--initial-memory-map-size has no effect: nothing is mapped here");
    }
    ServerConfig config = config();
    try (Source source = Source.open(file, skip)) {
      new NewMember(source, config, skipHashCheck, bump, spec.commandLine().getOut(), err).make();
    }
    return 0;
  }

  /** The server's own rules for its flags, so that it starts on what is made here. */
  private ServerConfig config() {
    List<String> flags = new ArrayList<>();
    addGiven(flags, "--data-dir", dataDirectory);
    addGiven(flags, "--wal-dir", walDirectory);
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
