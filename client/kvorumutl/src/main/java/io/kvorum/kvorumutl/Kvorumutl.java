package io.kvorum.kvorumutl;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import io.kvorum.actors.wal.CorruptLogException;
import io.kvorum.kvorumutl.etcd.EtcdDataException;
import io.kvorum.persistence.bbolt.BoltException;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.snapshot.SnapshotException;
import java.io.PrintWriter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;

/** Where the program begins. */
@CommandLine.Command(
    name = "kvorumutl",
    description = "Works on Kvorum's and etcd's files while no server runs on them.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      Kvorumutl.Snapshot.class,
      HashKvCommand.class,
      DefragCommand.class,
      Kvorumutl.Wal.class,
      KeyspaceCommand.class,
      Kvorumutl.Member.class
    })
public final class Kvorumutl {

  @CommandLine.Command(
      name = "snapshot",
      description = "Snapshots, as etcdctl snapshot save makes them.",
      mixinStandardHelpOptions = true,
      synopsisSubcommandLabel = "COMMAND",
      subcommands = {SnapshotStatusCommand.class, SnapshotRestoreCommand.class})
  static final class Snapshot {}

  @CommandLine.Command(
      name = "wal",
      description = "The write-ahead log of a stopped server.",
      mixinStandardHelpOptions = true,
      synopsisSubcommandLabel = "COMMAND",
      subcommands = WalDumpCommand.class)
  static final class Wal {}

  @CommandLine.Command(
      name = "member",
      description = "The data directory of a member that does not run.",
      mixinStandardHelpOptions = true,
      synopsisSubcommandLabel = "COMMAND",
      subcommands = MemberRebuildCommand.class)
  static final class Member {}

  private Kvorumutl() {}

  public static void main(String[] arguments) {
    // What the rooms below tell of their daily work is of no interest here.
    if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
      context.getLogger(Logger.ROOT_LOGGER_NAME).setLevel(Level.WARN);
    }
    int exitCode = commandLine().execute(arguments);
    System.exit(exitCode);
  }

  static CommandLine commandLine() {
    return new CommandLine(new Kvorumutl())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler(
            (exception, command, parsed) -> {
              if (!isExpected(exception)) {
                throw exception;
              }
              PrintWriter err = command.getErr();
              err.println("kvorumutl: " + exception.getMessage());
              err.flush();
              return 1;
            });
  }

  private static boolean isExpected(Exception exception) {
    return exception instanceof RefusedException
        || exception instanceof EtcdDataException
        || exception instanceof BoltException
        || exception instanceof StorageException
        || exception instanceof SnapshotException
        || exception instanceof CorruptLogException;
  }
}
