package io.kvorum.kvorumutl;

import io.kvorum.persistence.mvcc.KeyspaceImport;
import io.kvorum.protocol.LogPosition;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.function.LongConsumer;

/** A snapshot out of which a keyspace can be made. */
sealed interface Source extends AutoCloseable permits KvorumSource, EtcdSource {

  /**
   * What a keyspace is to be made with.
   *
   * @param directory of the keyspace; nothing is in it
   * @param at the log position that stands for all of the content
   * @param bump what the revision is raised by, as etcdutl does; 0 for nothing
   * @param meta takes the place of what is there under these names
   */
  record Terms(Path directory, LogPosition at, long bump, Map<String, byte[]> meta) {}

  /**
   * Opens whatever snapshot a file is.
   *
   * @param skipped what the operator leaves behind, see {@link Leftovers}
   */
  static Source open(Path file, Set<String> skipped) {
    return KvorumSource.isOne(file)
        ? KvorumSource.open(file, skipped)
        : new EtcdSource(file, skipped);
  }

  Path file();

  long sizeBytes();

  /**
   * Refuses what cannot be carried over.
   *
   * @param err told what is left behind
   */
  void require(PrintWriter err);

  /** The operator's choices that make the content another one; empty if there are none. */
  String choices();

  /**
   * Reads everything.
   *
   * @param progress told now and then how many bytes were read; may throw, to end it
   */
  KeyspaceImport.Summary write(Terms terms, LongConsumer progress);

  /** Something to tell of what was written; empty for nothing. */
  String remark();

  @Override
  void close();
}
