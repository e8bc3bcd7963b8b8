package io.kvorum.verification.simulation;

import io.kvorum.actors.raft.RaftSettings;

/**
 * What a simulated cluster is like before anything goes wrong.
 *
 * @param members with which it begins
 * @param raft bounds of each replica
 * @param network how messages travel
 * @param tickMicros time of one tick of a good clock
 * @param handlingMicros how long a message waits in a mailbox at most
 * @param minSyncMicros how long a healthy disk takes to sync at least
 * @param maxSyncMicros and at most
 * @param applyMicros how long the applier takes for a batch
 * @param snapshotMicros how long a snapshot is on its way
 * @param snapshotLossPercent of snapshots that do not arrive, or whose arrival is not reported
 * @param syncEntries applied entries after which the keyspace is made durable
 * @param requestTimeoutNanos how long a member's clients wait
 */
record Setup(
    int members,
    RaftSettings raft,
    Network.Quality network,
    long tickMicros,
    long handlingMicros,
    long minSyncMicros,
    long maxSyncMicros,
    long applyMicros,
    long snapshotMicros,
    int snapshotLossPercent,
    long syncEntries,
    long requestTimeoutNanos) {

  /** Everything takes a millisecond and nothing is left to chance but the election timeouts. */
  static Setup quiet(int members, long catchUpEntries, long syncEntries) {
    return new Setup(
        members,
        RaftSettings.of(10, 1, true, catchUpEntries),
        Network.Quality.PERFECT,
        100 * Agenda.MILLIS,
        0,
        Agenda.MILLIS,
        Agenda.MILLIS,
        Agenda.MILLIS,
        50 * Agenda.MILLIS,
        0,
        syncEntries,
        5_000_000_000L);
  }
}
