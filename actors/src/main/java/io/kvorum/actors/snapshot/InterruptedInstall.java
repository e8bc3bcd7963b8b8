package io.kvorum.actors.snapshot;

import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.protocol.LogPosition;
import java.util.List;
import java.util.Optional;

/**
 * What start-up does about a process that ended while it installed a snapshot. Before the switch of
 * the keyspace nothing has happened. Behind it the keyspace may be ahead of its log, and says so:
 * then the log is emptied and begins where the keyspace stands. What it held is not needed: up to
 * there the snapshot has it, and what came behind was in conflict with what the cluster committed.
 */
public final class InterruptedInstall {
  private InterruptedInstall() {}

  /**
   * Where the log must be made to begin (by {@link io.kvorum.actors.wal.WalActor.Replace}) before
   * anything else; empty if it need not. In either case {@link Keyspace#installFinished} follows.
   */
  public static Optional<LogPosition> replaceLogAt(Keyspace keyspace, RecoveredLog log) {
    return keyspace.unfinishedInstall().filter(installed -> log.base().index() < installed.index());
  }

  /** What the log is after it was made to begin there. */
  public static RecoveredLog replaced(RecoveredLog log, LogPosition base) {
    return new RecoveredLog(log.identity(), log.hardState(), base, List.of());
  }
}
