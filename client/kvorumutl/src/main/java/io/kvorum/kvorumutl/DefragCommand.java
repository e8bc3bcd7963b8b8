package io.kvorum.kvorumutl;

import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.protocol.GroupId;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import picocli.CommandLine;

/** {@code kvorumutl defrag}: what etcdctl defrag has a running member do. */
@CommandLine.Command(
    name = "defrag",
    description =
        "Gives the space of removed records in a stopped server's keyspace back to the file system."
            + " A compaction that was not finished is finished first. It may be interrupted at any"
            + " time: what was done stays done.",
    mixinStandardHelpOptions = true)
final class DefragCommand implements Callable<Integer> {
  @CommandLine.Option(
      names = "--data-dir",
      paramLabel = "DIR",
      required = true,
      description = "Of a server that does not run.")
  private Path dataDirectory = Path.of("");

  @CommandLine.Spec
  private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

  @Override
  public Integer call() {
    PrintWriter err = spec.commandLine().getErr();
    Path directory = DataFiles.keyspaceIn(dataDirectory);
    long before = bytesIn(directory);
    KeyspaceOptions options = DataFiles.options();
    try (Keyspace keyspace =
        Keyspace.open(
            directory,
            GroupId.DEFAULT,
            // Nobody else wants the disk.
            options.withCompaction(options.compactionBatchRevisions(), Duration.ZERO))) {
      err.println("defragmenting " + directory + ", which takes " + ByteCount.text(before));
      err.flush();
      var unused = keyspace.physicalCompaction().toCompletableFuture().join();
      keyspace.defragment();
    } catch (CompletionException e) {
      throw new RefusedException("the compaction could not be finished: " + e.getCause(), e);
    }
    err.println("defragmented: now it takes " + ByteCount.text(bytesIn(directory)));
    err.flush();
    return 0;
  }

  private static long bytesIn(Path directory) {
    try (Stream<Path> tree = Files.walk(directory)) {
      return tree.filter(Files::isRegularFile).mapToLong(DefragCommand::size).sum();
    } catch (IOException e) {
      throw new RefusedException(directory + " cannot be read: " + e, e);
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (NoSuchFileException gone) {
      return 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
