package io.kvorum.kvorumutl;

import io.kvorum.kvorumutl.OutputFormat.Figure;
import io.kvorum.persistence.mvcc.KeyValueHash;
import io.kvorum.persistence.mvcc.KeyspaceExport;
import io.kvorum.persistence.mvcc.KeyspaceInspection;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** {@code kvorumutl hashkv}: what etcdutl's command tells, and the server's HashKV. */
@CommandLine.Command(
    name = "hashkv",
    description = {
      "Hashes all records up to a revision, as the server's HashKV does, and etcd's: equal data has"
          + " equal hashes where the compacted revisions are equal.",
      "Of a snapshot a keyspace is made for that, in a directory that is removed afterwards."
    },
    mixinStandardHelpOptions = true)
final class HashKvCommand implements Callable<Integer> {
  @CommandLine.Parameters(
      paramLabel = "PATH",
      description =
          "The data directory of a stopped server, or a snapshot, Kvorum's or etcd's, or"
              + " member/snap/db of a stopped etcd.")
  private Path path = Path.of("");

  @CommandLine.Option(
      names = "--rev",
      paramLabel = "N",
      description = "The newest revision to hash; default: the newest there is.")
  private long revision;

  @CommandLine.Option(
      names = "--temp-dir",
      paramLabel = "DIR",
      description = "Where to make a snapshot's keyspace, which takes two to three times its size.")
  private @Nullable Path temporary;

  @CommandLine.Option(
      names = {"-w", "--write-out"},
      paramLabel = "FORMAT",
      description = "One of ${COMPLETION-CANDIDATES}; default ${DEFAULT-VALUE}.")
  private OutputFormat format = OutputFormat.SIMPLE;

  @CommandLine.Spec
  private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

  @Override
  public Integer call() {
    KeyValueHash hash =
        Files.isDirectory(path) ? hashIn(DataFiles.keyspaceIn(path)) : hashOfSnapshot();
    PrintWriter out = spec.commandLine().getOut();
    out.println(format.of(figures(hash)));
    out.flush();
    return 0;
  }

  private KeyValueHash hashIn(Path keyspace) {
    try (KeyspaceInspection inspection =
            KeyspaceInspection.open(keyspace, GroupId.DEFAULT, DataFiles.options());
        KeyspaceExport export = inspection.export()) {
      return switch (export.hash(revision)) {
        case Outcome.Ok<KeyValueHash>(KeyValueHash hash) -> hash;
        case Outcome.Refused<KeyValueHash>(var error) ->
            throw new RefusedException(
                "--rev=%d: %s. The newest revision is %d, the compacted one %d"
                    .formatted(
                        revision,
                        error.text(),
                        export.currentRevision(),
                        export.compactedRevision()));
      };
    }
  }

  private KeyValueHash hashOfSnapshot() {
    try (Cancellation cancellation = new Cancellation();
        Source source = Source.open(path, Set.of());
        Scratch scratch = Scratch.in(temporary)) {
      Path keyspace = scratch.resolve("keyspace");
      Progress progress = new Progress(spec.commandLine().getErr(), "reading", source.sizeBytes());
      var unused =
          source.write(
              new Source.Terms(keyspace, LogPosition.ZERO, 0, Map.of()),
              bytes -> {
                cancellation.check();
                progress.at(bytes);
              });
      return hashIn(keyspace);
    }
  }

  private static List<Figure> figures(KeyValueHash hash) {
    return List.of(
        Figure.number("HASH", "Hash", "hash", Integer.toUnsignedLong(hash.crc32c())),
        Figure.number("HASH REVISION", "Hash revision", "hashRevision", hash.revision()),
        Figure.number(
            "COMPACT REVISION", "Compact revision", "compactRevision", hash.compactedRevision()));
  }
}
