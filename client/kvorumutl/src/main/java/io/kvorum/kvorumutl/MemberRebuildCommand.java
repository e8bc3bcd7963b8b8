package io.kvorum.kvorumutl;

import io.kvorum.actors.group.MemberRebuild;
import io.kvorum.actors.wal.CorruptLogException;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.persistence.snapshot.SnapshotException;
import io.kvorum.protocol.GroupId;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** {@code kvorumutl member rebuild}: a new keyspace for a member whose own is damaged. */
@CommandLine.Command(
    name = "rebuild",
    description = {
      "Builds a stopped member's keyspace anew out of a snapshot of its cluster, in place of one"
          + " that is damaged. Its write-ahead log, with what the member voted for and acknowledged,"
          + " must be whole, and stays. The old files are kept beside.",
      "Take the snapshot from another member: etcdctl --endpoints=... snapshot save FILE. For a"
          + " single node, its newest one will do as long as the log still reaches back to it."
    },
    mixinStandardHelpOptions = true)
final class MemberRebuildCommand implements Callable<Integer> {
  @CommandLine.Option(
      names = "--data-dir",
      paramLabel = "DIR",
      required = true,
      description = "The member's.")
  private Path dataDirectory = Path.of("");

  @CommandLine.Option(
      names = "--wal-dir",
      paramLabel = "DIR",
      description = "If the server is given one.")
  private @Nullable Path walDirectory;

  @CommandLine.Option(
      names = "--from",
      paramLabel = "FILE",
      description =
          "The snapshot. Without it everything is taken from the log, which must still hold the"
              + " first entry.")
  private @Nullable Path from;

  @CommandLine.Spec
  private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

  @Override
  public Integer call() {
    Path member = dataDirectory.resolve("member");
    Path wal = DataFiles.walOf(dataDirectory, walDirectory);
    Path keyspace = member.resolve("keyspace");
    if (!Files.isDirectory(keyspace)) {
      throw new RefusedException("there is no " + keyspace + ": this is no member's data");
    }
    try {
      report(
          new MemberRebuild(GroupId.DEFAULT, DataFiles.walSettings(wal), keyspace)
              .run(
                  from,
                  KeyspaceOptions.defaults(),
                  (doing, bytes) -> new Progress(spec.commandLine().getErr(), doing, bytes)::at));
    } catch (MemberRebuild.RefusedException | SnapshotException e) {
      throw new RefusedException(String.valueOf(e.getMessage()), e);
    } catch (CorruptLogException e) {
      throw new RefusedException(e.getMessage() + ". " + Recovery.REFUSE_LOSS.whatToDo(), e);
    }
    return 0;
  }

  private void report(MemberRebuild.Result result) {
    PrintWriter out = spec.commandLine().getOut();
    if (result.at().index() == 0) {
      out.printf(
          "member %s begins with an empty keyspace, and its log of %d entries is applied to it%n",
          result.member(), result.lastIndex());
    } else {
      out.printf(
          "member %s stands at entry %d of the snapshot; %s%n",
          result.member(),
          result.at().index(),
          result.logKept()
              ? "its log goes on from there to entry " + result.lastIndex()
              : "its log is behind that, and begins there at the next start");
    }
    result.setAside().forEach(path -> out.println("kept beside: " + path));
    out.println("start the server as before; when it serves, remove what was kept beside");
    out.flush();
  }
}
