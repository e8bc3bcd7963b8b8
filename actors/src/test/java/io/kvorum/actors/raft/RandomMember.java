package io.kvorum.actors.raft;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.BehaviorTestKit;
import org.jspecify.annotations.Nullable;

/**
 * One member of a {@link RandomCluster}: its replica, its disk, and its state machine, which
 * applies later than it is told to, and falls back to what it had made durable when it crashes.
 */
final class RandomMember
    implements Ports.RaftTransport,
        Ports.Wal,
        Ports.Applier,
        Ports.Replies,
        Ports.Observer,
        Ports.Snapshots {

  /** A state of the state machine. */
  private record Applied(LogPosition at, Configuration configuration) {}

  private static final Configuration EMPTY = Configuration.of(List.of(), List.of());

  final MemberId id;
  boolean wasMember;
  RaftLog log;
  private final RandomCluster cluster;
  private BehaviorTestKit<ReplicaMessage> kit;

  private HardState syncedState;
  private LogPosition syncedBase = LogPosition.ZERO;
  private List<Entry> syncedLog;
  private final ArrayDeque<RecordingPorts.Write> unsynced = new ArrayDeque<>();
  private boolean storageFails;

  private Applied applied;
  private Applied durable;
  private final ArrayDeque<Entry> toApply = new ArrayDeque<>();
  private @Nullable Applied received;
  private @Nullable Applied installing;

  private long leadsInTerm;
  private LogPosition lastAsLeader = LogPosition.ZERO;

  RandomMember(
      RandomCluster cluster,
      MemberId id,
      HardState hardState,
      List<Entry> entries,
      Configuration configuration) {
    this.cluster = cluster;
    this.id = id;
    this.wasMember = !entries.isEmpty();
    this.syncedState = hardState;
    this.syncedLog = new ArrayList<>(entries);
    this.applied = new Applied(LogPosition.ZERO, configuration);
    this.durable = applied;
    this.log = recoveredLog();
    this.kit = replica();
    run(new ReplicaMessage.Start());
  }

  private RaftLog recoveredLog() {
    return new RaftLog(syncedBase, syncedLog, applied.at().index());
  }

  private BehaviorTestKit<ReplicaMessage> replica() {
    return BehaviorTestKit.create(
        Replica.create(
            id,
            RandomCluster.SETTINGS,
            cluster.random.split(),
            syncedState,
            log,
            applied.configuration(),
            new Ports(this, this, this, this, this, this)));
  }

  void run(ReplicaMessage message) {
    kit.run(message);
    while (kit.selfInbox().hasMessages()) {
      kit.run(kit.selfInbox().receiveMessage());
    }
  }

  LogPosition applied() {
    return applied.at();
  }

  Configuration configuration() {
    return applied.configuration();
  }

  /** The oldest write reaches the disk. */
  void sync() {
    if (unsynced.isEmpty() || storageFails) {
      return;
    }
    RecordingPorts.Write write = unsynced.removeFirst();
    syncedState = write.hardState();
    if (!write.entries().isEmpty()) {
      int keep = (int) (write.entries().getFirst().index() - syncedBase.index()) - 1;
      syncedLog = new ArrayList<>(syncedLog.subList(0, keep));
      syncedLog.addAll(write.entries());
    }
    run(new ReplicaMessage.Persisted(write.hardState(), lastSynced(), write.release()));
  }

  private LogPosition lastSynced() {
    return syncedLog.isEmpty() ? syncedBase : syncedLog.getLast().position();
  }

  /** The disk begins to fail, or is repaired. */
  void storage() {
    if (storageFails) {
      repairStorage();
    } else if (installing == null) {
      storageFails = true;
      unsynced.clear();
      run(new ReplicaMessage.StorageFailed("test"));
    }
  }

  void repairStorage() {
    if (storageFails) {
      storageFails = false;
      run(new ReplicaMessage.StorageRecovered(lastSynced()));
    }
  }

  void applyNext() {
    if (installing != null || toApply.isEmpty()) {
      return;
    }
    int batch = 1 + cluster.random.nextInt(toApply.size());
    // The members with which a log begins are applied together.
    batch = applied.at().index() == 0 ? toApply.size() : batch;
    boolean changed = false;
    for (int i = 0; i < batch; i++) {
      Entry entry = toApply.removeFirst();
      if (entry.index() <= applied.at().index()) {
        continue;
      }
      cluster.applied(this, entry);
      Configuration next = applied.configuration();
      if (entry.kind() == EntryKind.MEMBERSHIP) {
        next = RandomCluster.changed(entry.index() == 1 ? EMPTY : next, entry);
        changed = true;
      }
      applied = new Applied(entry.position(), next);
    }
    if (changed) {
      run(new ReplicaMessage.ConfigurationApplied(applied.configuration(), applied.at().index()));
    }
  }

  void makeDurable() {
    durable = applied;
    run(new ReplicaMessage.DurablyApplied(applied.at().index()));
  }

  /** Everything not synced is lost; a half-done installation is finished or undone. */
  void crash() {
    unsynced.clear();
    toApply.clear();
    storageFails = false;
    if (installing != null) {
      if (cluster.random.nextBoolean()) {
        completeInstall(installing);
      }
      installing = null;
    }
    applied = cluster.random.nextBoolean() ? durable : applied;
    if (applied.at().index() > lastSynced().index()) {
      applied = durable;
    }
    leadsInTerm = 0;
    log = recoveredLog();
    kit = replica();
    run(new ReplicaMessage.Start());
  }

  /** The network brought a snapshot. */
  void receive(LogPosition at, Configuration configuration) {
    received = new Applied(at, configuration);
  }

  void finishInstall() {
    Applied snapshot = installing;
    if (snapshot == null) {
      return;
    }
    while (!unsynced.isEmpty()) {
      sync();
    }
    completeInstall(snapshot);
    run(new ReplicaMessage.SnapshotInstalled(snapshot.at(), snapshot.configuration()));
  }

  private void completeInstall(Applied done) {
    installing = null;
    applied = done;
    durable = done;
    syncedBase = done.at();
    syncedLog = new ArrayList<>();
    toApply.clear();
  }

  /** A leader's log only grows. */
  void checkLeader() {
    if (leadsInTerm != 0) {
      LogPosition last = lastAsLeader;
      assertTrue(
          log.base().index() > last.index() || log.matches(last),
          () -> "leader " + id + " of term " + leadsInTerm + " lost " + last);
      lastAsLeader = log.last();
    }
  }

  @Override
  public void send(MemberId to, RaftMessage message) {
    cluster.send(id, to, message);
  }

  @Override
  public void write(HardState hardState, List<Entry> entries, List<Ports.Envelope> release) {
    unsynced.addLast(new RecordingPorts.Write(hardState, entries, release));
  }

  @Override
  public void compact(LogPosition base) {
    assertTrue(base.index() <= durable.at().index(), "log cut behind what is durable");
    int drop = (int) (base.index() - syncedBase.index());
    syncedLog = new ArrayList<>(syncedLog.subList(drop, syncedLog.size()));
    syncedBase = base;
  }

  @Override
  public void apply(List<Entry> committed) {
    assertTrue(installing == null, "entries delivered while a snapshot is installed");
    toApply.addAll(committed);
  }

  @Override
  public void readIndex(long token, long index) {
    cluster.readAt(token, index);
  }

  @Override
  public void refused(long requestId, EtcdError error) {}

  @Override
  public void leader(MemberId leader, long term) {
    leadsInTerm = leader.equals(id) ? term : 0;
    if (leadsInTerm != 0) {
      lastAsLeader = log.last();
      cluster.leads(this, term);
    }
  }

  @Override
  public void committed(long index) {
    cluster.committed(index);
  }

  @Override
  public void send(MemberId to, long term) {
    cluster.sendSnapshot(id, to, term);
  }

  @Override
  public void install(LogPosition at) {
    assertTrue(received != null && received.at().equals(at), "another snapshot than received");
    installing = received;
  }

  @Override
  public void discard(LogPosition at) {}

  @Override
  public String toString() {
    return "\n" + id + " " + log + " applied " + applied + " installing " + installing;
  }
}
