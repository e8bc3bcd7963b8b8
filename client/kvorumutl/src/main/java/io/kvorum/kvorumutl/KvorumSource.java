package io.kvorum.kvorumutl;

import io.kvorum.persistence.mvcc.KeyspaceImport;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.persistence.mvcc.KeyspaceRestore;
import io.kvorum.persistence.snapshot.SavedSnapshot;
import io.kvorum.persistence.snapshot.SnapshotException;
import io.kvorum.protocol.GroupId;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.LongConsumer;

/** What a client has saved of a Kvorum server: goes over row by row. */
final class KvorumSource implements Source {
  private final SavedSnapshot snapshot;

  private KvorumSource(SavedSnapshot snapshot) {
    this.snapshot = snapshot;
  }

  static boolean isOne(Path file) {
    return SavedSnapshot.isOne(file);
  }

  /**
   * @throws SnapshotException if it cannot be read
   */
  static KvorumSource open(Path file, Set<String> skipped) {
    if (!skipped.isEmpty()) {
      throw new RefusedException(
          "--skip is for what etcd's snapshots hold; "
              + file
              + " is Kvorum's, and all of it is carried over");
    }
    SavedSnapshot snapshot = SavedSnapshot.open(file);
    if (!snapshot.header().group().equals(GroupId.DEFAULT)) {
      throw new RefusedException(
          file + " is of group " + snapshot.header().group().value() + ", not of the default one");
    }
    return new KvorumSource(snapshot);
  }

  @Override
  public Path file() {
    return snapshot.file();
  }

  @Override
  public long sizeBytes() {
    return snapshot.sizeBytes();
  }

  @Override
  public void require(PrintWriter err) {
    // There is a place for everything.
  }

  @Override
  public String choices() {
    return "";
  }

  @Override
  public KeyspaceImport.Summary write(Terms terms, LongConsumer progress) {
    try (KeyspaceRestore keyspace =
        KeyspaceRestore.into(
            terms.directory(),
            GroupId.DEFAULT,
            KeyspaceOptions.defaults(),
            terms.at(),
            terms.bump(),
            terms.meta())) {
      snapshot.read(keyspace::add, progress);
      return keyspace.finish();
    } catch (IllegalArgumentException e) {
      throw new RefusedException(snapshot.file() + " is not usable: " + e.getMessage(), e);
    }
  }

  @Override
  public String remark() {
    return "";
  }

  @Override
  public void close() {
    // Nothing is held open.
  }
}
