package io.kvorum.actors.group;

import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.wal.LogAtRest;
import io.kvorum.actors.wal.LogIdentity;
import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.persistence.mvcc.KeyspaceRebuild;
import io.kvorum.persistence.mvcc.KeyspaceStaging;
import io.kvorum.persistence.snapshot.SavedSnapshot;
import io.kvorum.persistence.snapshot.SnapshotHeader;
import io.kvorum.persistence.wal.WalSettings;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.nio.file.Path;
import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Gives a stopped member, whose write-ahead log is whole, another keyspace in place of a damaged
 * one: that of a snapshot, as if its leader had sent it. What the member voted for and acknowledged
 * stands in the log and is kept, so it stays the member that it is.
 *
 * <p>As in raft's InstallSnapshot, a log that contains the snapshot's last entry stays as it is and
 * is applied from there on; of any other log the entries are in the snapshot or in conflict with
 * what was committed, and the next start empties it.
 */
public final class MemberRebuild {
  private final GroupId group;
  private final WalSettings wal;
  private final Path keyspace;

  /**
   * What was done.
   *
   * @param member whose data directory it is
   * @param at where the keyspace stands now
   * @param lastIndex the end of the log
   * @param logKept whether the log goes on from there; else it is emptied at the next start
   * @param setAside where the old files are
   */
  public record Result(
      MemberId member, LogPosition at, long lastIndex, boolean logKept, List<Path> setAside) {}

  /** Shows how far it is. */
  @FunctionalInterface
  public interface Progress {
    /**
     * What is begun now.
     *
     * @param doing for example {@code checking}
     * @return told now and then how many of the bytes are done
     */
    LongConsumer of(String doing, long totalBytes);
  }

  /** It cannot be done; nothing was changed. */
  public static final class RefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    RefusedException(String message) {
      super(message);
    }
  }

  public MemberRebuild(GroupId group, WalSettings wal, Path keyspace) {
    this.group = group;
    this.wal = wal;
    this.keyspace = keyspace;
  }

  /**
   * @param snapshot what {@code etcdctl snapshot save} has written; without it the whole keyspace
   *     comes out of the log, which must still begin with the first entry
   * @throws RefusedException if the snapshot is of another cluster or too old
   * @throws io.kvorum.persistence.snapshot.SnapshotException if the snapshot is damaged
   * @throws io.kvorum.persistence.leveldb.StorageException if the log is damaged or missing, or a
   *     server runs
   * @throws io.kvorum.actors.wal.CorruptLogException if the log's records do not fit together
   */
  public Result run(@Nullable Path snapshot, KeyspaceOptions options, Progress progress) {
    try (LogAtRest log = LogAtRest.open(wal, group)) {
      LogIdentity identity = log.outline().identity();
      if (identity == null) {
        throw new RefusedException(
            "the write-ahead log in "
                + wal.directory()
                + " is empty: this is no member's. A member without its"
                + " log must be removed from the cluster and added anew");
      }
      return snapshot == null
          ? fromLog(identity, log.outline())
          : from(snapshot, identity, log, options, progress);
    }
  }

  private Result fromLog(LogIdentity identity, RecoveredLog log) {
    if (log.base().index() > 0) {
      throw new RefusedException(
          "the write-ahead log begins behind entry %d, so it cannot give the whole keyspace: name a snapshot"
              .formatted(log.base().index()));
    }
    List<Path> aside = KeyspaceRebuild.clear(keyspace);
    return new Result(identity.member(), LogPosition.ZERO, log.lastIndex(), true, aside);
  }

  private Result from(
      Path file, LogIdentity identity, LogAtRest log, KeyspaceOptions options, Progress progress) {
    SavedSnapshot snapshot = SavedSnapshot.open(file);
    boolean keep = check(file, snapshot.header(), identity, log.outline());
    LogPosition at = snapshot.header().at();
    snapshot.requireWhole(progress.of("checking", snapshot.sizeBytes()));
    try (KeyspaceRebuild rebuild = KeyspaceRebuild.in(keyspace, group, options)) {
      stage(snapshot, rebuild.staging(), progress.of("rebuilding", snapshot.sizeBytes()));
      HardState known = log.outline().hardState();
      if (known.term() < at.term()) {
        // Who hears of a newer term has voted for nobody in it.
        log.append(new HardState(at.term(), MemberId.NONE));
      }
      List<Path> aside = rebuild.install(keep ? null : at);
      return new Result(identity.member(), at, log.outline().lastIndex(), keep, aside);
    }
  }

  private static void stage(
      SavedSnapshot snapshot, KeyspaceStaging staging, LongConsumer progress) {
    snapshot.read(staging::put, progress);
    try {
      staging.seal(snapshot.header().at());
    } catch (IllegalArgumentException e) {
      throw new RefusedException(snapshot.file() + " is not usable: " + e.getMessage());
    }
  }

  /** Whether the log contains the snapshot's last entry. */
  private boolean check(Path file, SnapshotHeader header, LogIdentity identity, RecoveredLog log) {
    if (!header.group().equals(group) || header.clusterId() != identity.clusterId()) {
      throw new RefusedException(
          "%s is of group %d of cluster %x, and this member of group %d of cluster %x"
              .formatted(
                  file,
                  header.group().value(),
                  header.clusterId(),
                  group.value(),
                  identity.clusterId()));
    }
    LogPosition at = header.at();
    LogPosition base = log.base();
    if (at.index() < base.index()) {
      throw new RefusedException(
          "%s is too old: it ends with entry %d, and the write-ahead log begins behind entry %d. Take a newer one from another member"
              .formatted(file, at.index(), base.index()));
    }
    if (at.index() == base.index()) {
      return true;
    }
    return at.index() <= log.lastIndex()
        && log.entries().get(Math.toIntExact(at.index() - base.index() - 1)).term() == at.term();
  }
}
