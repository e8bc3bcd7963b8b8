package io.kvorum.kvorumutl;

import io.kvorum.kvorumutl.etcd.DatabaseStatus;
import io.kvorum.kvorumutl.etcd.EtcdDatabase;
import io.kvorum.kvorumutl.etcd.SnapshotChecksum;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;

/** {@code kvorumutl snapshot status}: what etcdutl's command of that name tells. */
@CommandLine.Command(
    name = "status",
    description =
        "Reads all of an etcd snapshot, or of the database in a stopped etcd's data directory,"
            + " and tells its hash, revision, keys, size and version as etcdutl does. Unlike"
            + " etcdutl it refuses a file whose own checksum does not match.",
    mixinStandardHelpOptions = true)
final class SnapshotStatusCommand implements Callable<Integer> {
  @CommandLine.Parameters(paramLabel = "FILE", description = "An etcd snapshot.")
  private Path file = Path.of("");

  @CommandLine.Option(
      names = {"-w", "--write-out"},
      paramLabel = "FORMAT",
      description = "One of ${COMPLETION-CANDIDATES}; default ${DEFAULT-VALUE}.")
  private StatusFormat format = StatusFormat.SIMPLE;

  @CommandLine.Spec
  private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

  @Override
  public Integer call() {
    PrintWriter err = spec.commandLine().getErr();
    try (EtcdDatabase database = EtcdDatabase.open(file)) {
      long bytes = database.file().sizeBytes();
      if (SnapshotChecksum.isPresent(file)) {
        Progress checking = new Progress(err, "checking", bytes);
        SnapshotChecksum checksum = SnapshotChecksum.of(file, checking::at);
        if (checksum.verdict() == SnapshotChecksum.Verdict.DIFFERS) {
          throw new RefusedException(file + " is damaged: its SHA-256 does not match its content");
        }
      }
      Progress reading = new Progress(err, "reading", bytes);
      DatabaseStatus status = DatabaseStatus.of(database, reading::at);
      spec.commandLine().getOut().println(format.of(status));
      spec.commandLine().getOut().flush();
    }
    return 0;
  }
}
