package io.kvorum.kvorumutl;

import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.wal.LogAtRest;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.leveldb.StorageException.Reason;
import io.kvorum.persistence.mvcc.KeyspaceInspection;
import io.kvorum.protocol.GroupId;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** {@code kvorumutl wal dump}: what the replicated log holds. */
@CommandLine.Command(
    name = "dump",
    description = {
      "Prints the committed entries of a stopped server's log, each as a JSON object on a line of"
          + " its own: index, term, type, and what it asks for. Bytes that are no readable text stand"
          + " as {\"hex\":\"...\"}.",
      "Committed are those that the keyspace has applied. Of what comes behind this member does not"
          + " know it; --tail prints that too, with \"applied\":false."
    },
    mixinStandardHelpOptions = true)
final class WalDumpCommand implements Callable<Integer> {
  @CommandLine.Option(
      names = "--data-dir",
      paramLabel = "DIR",
      required = true,
      description = "Of a server that does not run.")
  private Path dataDirectory = Path.of("");

  @CommandLine.Option(
      names = "--wal-dir",
      paramLabel = "DIR",
      description = "If the log is not in the data directory.")
  private @Nullable Path walDirectory;

  @CommandLine.Option(names = "--start-index", paramLabel = "N", description = "The first entry.")
  private long startIndex;

  @CommandLine.Option(names = "--end-index", paramLabel = "N", description = "The last entry.")
  private long endIndex = Long.MAX_VALUE;

  @CommandLine.Option(names = "--limit", paramLabel = "N", description = "As many at most.")
  private long limit;

  @CommandLine.Option(names = "--tail", description = "With what may not be committed.")
  private boolean tail;

  @CommandLine.Spec
  private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

  @Override
  public Integer call() {
    long applied = applied();
    Path wal = DataFiles.walOf(dataDirectory, walDirectory);
    try (LogAtRest log = LogAtRest.open(DataFiles.walSettings(wal), GroupId.DEFAULT);
        Lines lines = new Lines(spec.commandLine().getOut(), limit)) {
      long last = Math.min(endIndex, tail ? Long.MAX_VALUE : applied);
      tell(log.outline(), applied);
      log.entries(
          startIndex, entry -> entry.index() <= last && lines.add(EntryJson.of(entry, applied)));
    }
    return 0;
  }

  /** What it tells is wanted most when something is broken: the tail can be had without. */
  private long applied() {
    try (KeyspaceInspection keyspace = DataFiles.inspect(dataDirectory)) {
      return keyspace.figures().applied().index();
    } catch (RefusedException | StorageException e) {
      boolean held = e instanceof StorageException s && s.reason() == Reason.LOCKED;
      if (!tail || held) {
        throw e;
      }
      spec.commandLine()
          .getErr()
          .println("without a keyspace, nothing counts as applied: " + e.getMessage());
      return 0;
    }
  }

  private void tell(RecoveredLog log, long applied) {
    PrintWriter err = spec.commandLine().getErr();
    LogIdentity identity = log.identity();
    if (identity != null) {
      err.printf(
          "log of member %s of cluster %x, term %d, vote %s; %s; applied up to %d%n",
          identity.member(),
          identity.clusterId(),
          log.hardState().term(),
          log.hardState().vote(),
          log.entries().isEmpty()
              ? "no entries behind " + log.base().index()
              : "entries "
                  + log.entries().getFirst().index()
                  + " to "
                  + log.entries().getLast().index(),
          applied);
    }
    long behind = log.entries().stream().map(Entry::index).filter(i -> i > applied).count();
    if (behind > 0 && !tail) {
      err.printf("not known to be committed, and left out without --tail: %d%n", behind);
    }
    err.flush();
  }
}
