package io.kvorum.kvorumutl;

import io.kvorum.kvorumutl.OutputFormat.Figure;
import io.kvorum.kvorumutl.etcd.DatabaseStatus;
import io.kvorum.kvorumutl.etcd.EtcdDatabase;
import io.kvorum.persistence.snapshot.SavedSnapshot;
import io.kvorum.persistence.snapshot.SnapshotChecksum;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;

/** {@code kvorumutl snapshot status}: what etcdutl's command of that name tells. */
@CommandLine.Command(
    name = "status",
    description =
        "Reads all of a snapshot, Kvorum's or etcd's, or of the database in a stopped etcd's data"
            + " directory, and tells its hash, revision, keys, size and version as etcdutl does."
            + " Unlike etcdutl it refuses a file whose own checksum does not match.",
    mixinStandardHelpOptions = true)
final class SnapshotStatusCommand implements Callable<Integer> {
  @CommandLine.Parameters(
      paramLabel = "FILE",
      description = "What etcdctl snapshot save has written.")
  private Path file = Path.of("");

  @CommandLine.Option(
      names = {"-w", "--write-out"},
      paramLabel = "FORMAT",
      description = "One of ${COMPLETION-CANDIDATES}; default ${DEFAULT-VALUE}.")
  private OutputFormat format = OutputFormat.SIMPLE;

  @CommandLine.Spec
  private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

  @Override
  public Integer call() {
    DatabaseStatus status = KvorumSource.isOne(file) ? ofKvorum() : ofEtcd();
    PrintWriter out = spec.commandLine().getOut();
    out.println(format.of(figures(status)));
    out.flush();
    return 0;
  }

  private DatabaseStatus ofKvorum() {
    SavedSnapshot snapshot = SavedSnapshot.open(file);
    requireWhole(snapshot.sizeBytes());
    return SavedStatus.of(snapshot, progress("reading", snapshot.sizeBytes())::at);
  }

  private DatabaseStatus ofEtcd() {
    try (EtcdDatabase database = EtcdDatabase.open(file)) {
      long bytes = database.file().sizeBytes();
      requireWhole(bytes);
      return DatabaseStatus.of(database, progress("reading", bytes)::at);
    }
  }

  private Progress progress(String doing, long bytes) {
    return new Progress(spec.commandLine().getErr(), doing, bytes);
  }

  private void requireWhole(long bytes) {
    if (SnapshotChecksum.isPresent(file)) {
      SnapshotChecksum checksum = SnapshotChecksum.of(file, progress("checking", bytes)::at);
      if (checksum.verdict() == SnapshotChecksum.Verdict.DIFFERS) {
        throw new RefusedException(file + " is damaged: its SHA-256 does not match its content");
      }
    }
  }

  private static List<Figure> figures(DatabaseStatus status) {
    return List.of(
        new Figure(
            "HASH",
            "Hash",
            "hash",
            Long.toHexString(status.hash()),
            Long.toString(status.hash()),
            false),
        Figure.number("REVISION", "Revision", "revision", status.revision()),
        Figure.number("TOTAL KEYS", "Keys", "totalKey", status.keys()),
        new Figure(
            "TOTAL SIZE",
            "Size",
            "totalSize",
            ByteCount.text(status.sizeBytes()),
            Long.toString(status.sizeBytes()),
            false),
        new Figure("VERSION", "Version", "version", status.version(), status.version(), true));
  }
}
