package io.kvorum.actors.raft;

import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What all roles of a replica share; handed from role to role. Term and vote change through {@link
 * Transitions} and through the granting of a vote only.
 *
 * <p>Whatever a message's handling changed is written to disk once, when the handling ends ({@link
 * #persistPending}), and messages that tell others of it wait for that write ({@link
 * #sendAfterSync}).
 */
final class ReplicaState {
  /** How the log's disk is doing. */
  private enum Storage {
    WORKS,
    FAILS,
    /** It was opened again; whether it takes writes shows with the first that is synced. */
    TRIED_AGAIN
  }

  final MemberId self;
  final RaftSettings settings;
  final RandomGenerator random;
  final RaftLog log;
  final Ports ports;

  private record Held(Proposal proposal, long sinceTick) {}

  private Configuration configuration;

  /** Up to which entry the log is known to be reflected in {@link #configuration}. */
  private long configurationIndex;

  private HardState hardState;

  /** What the log's disk is known to hold of it; nothing once a write has failed. */
  private @Nullable HardState durable;

  private MemberId leader = MemberId.NONE;

  private boolean hardStateChanged;
  private final List<Entry> unwritten = new ArrayList<>();
  private final List<Ports.Envelope> release = new ArrayList<>();
  private Storage storage = Storage.WORKS;

  /** End of the snapshot that is being installed; {@link LogPosition#ZERO} if none is. */
  private LogPosition installing = LogPosition.ZERO;

  private long durablyApplied;

  /**
   * Proposals that wait for a leader, oldest first; bounded by {@link
   * RaftSettings#maxHeldProposals}, {@link RaftSettings#maxHeldBytes} and {@link
   * RaftSettings#requestTimeoutTicks}.
   */
  private final ArrayDeque<Held> held = new ArrayDeque<>();

  private long heldBytes;
  private long ticks;

  ReplicaState(
      MemberId self,
      RaftSettings settings,
      RandomGenerator random,
      HardState hardState,
      RaftLog log,
      Configuration configuration,
      Ports ports) {
    this.self = self;
    this.settings = settings;
    this.random = random;
    this.hardState = hardState;
    this.durable = hardState;
    this.log = log;
    this.configuration = configuration;
    this.configurationIndex = log.delivered();
    this.ports = ports;
  }

  long term() {
    return hardState.term();
  }

  MemberId vote() {
    return hardState.vote();
  }

  MemberId leader() {
    return leader;
  }

  Configuration configuration() {
    return configuration;
  }

  /** The state machine has applied the log up to {@code index}; this came of it. */
  void configuration(Configuration applied, long index) {
    if (index > configurationIndex) {
      configuration = applied;
      configurationIndex = index;
    }
  }

  /**
   * Whether a membership change in the log has not been applied yet: then there must be no other,
   * since majorities of memberships two steps apart need not meet (thesis 4.1).
   */
  boolean membershipChangePending() {
    return log.lastMembershipIndex() > configurationIndex;
  }

  /** Whether the disk is not known to take writes: proposals are refused then. */
  boolean storageFailed() {
    return storage != Storage.WORKS;
  }

  /** Whether nothing can be written: the failed log was not opened again yet. */
  boolean storageClosed() {
    return storage == Storage.FAILS;
  }

  /**
   * Whether this member may ask for votes: it is a voter, its disk works, and it counts votes by a
   * membership that is at most one step old, which a committed change that was not applied yet
   * would make older (etcd refuses likewise).
   */
  boolean mayCampaign() {
    return configuration.isVoter(self)
        && !storageFailed()
        && !isInstalling()
        && !log.changesMembership(configurationIndex, log.committed());
  }

  /** Whether a candidate whose log ends at {@code last} has all that this member must see kept. */
  boolean isUpToDate(LogPosition last) {
    boolean hasSnapshot =
        last.term() > installing.term()
            || (last.term() == installing.term() && last.index() >= installing.index());
    return hasSnapshot && log.isUpToDate(last);
  }

  boolean isInstalling() {
    return !installing.equals(LogPosition.ZERO);
  }

  LogPosition installing() {
    return installing;
  }

  /** From here on nothing is delivered or compacted until {@link #installed}. */
  void install(LogPosition snapshot) {
    installing = snapshot;
    ports.snapshots().install(snapshot);
  }

  void installed(Configuration restored) {
    log.restoreAt(installing);
    unwritten.clear();
    durablyApplied = installing.index();
    configuration(restored, installing.index());
    installing = LogPosition.ZERO;
    ports.observer().committed(log.committed());
  }

  /** Voters and learners but this member. */
  List<MemberId> peers() {
    List<MemberId> peers = new ArrayList<>(configuration.voters());
    peers.addAll(configuration.learners());
    peers.remove(self);
    return peers;
  }

  List<MemberId> otherVoters() {
    List<MemberId> voters = new ArrayList<>(configuration.voters());
    voters.remove(self);
    return voters;
  }

  /** Sets term and vote; for {@link Transitions} and the granting of votes. */
  void hardState(HardState next) {
    if (next.term() < hardState.term()
        || (next.term() == hardState.term()
            && !hardState.vote().equals(MemberId.NONE)
            && !next.vote().equals(hardState.vote()))) {
      throw new IllegalStateException("from " + hardState + " to " + next + " with " + log);
    }
    if (!next.equals(hardState)) {
      hardState = next;
      hardStateChanged = true;
    }
  }

  void leader(MemberId next) {
    if (!next.equals(leader)) {
      leader = next;
      ports.observer().leader(next, term());
    }
  }

  /** These entries are in the log and must be written to disk. */
  void toPersist(List<Entry> entries) {
    if (!entries.isEmpty()) {
      long first = entries.getFirst().index();
      unwritten.removeIf(e -> e.index() >= first);
      unwritten.addAll(entries);
    }
  }

  void send(MemberId to, RaftMessage message) {
    ports.transport().send(to, message);
  }

  /** Sends once everything changed up to now is on disk. */
  void sendAfterSync(MemberId to, RaftMessage message) {
    release.add(new Ports.Envelope(to, message));
  }

  /**
   * Tells a leader that everything up to {@code match} is on this member's disk: at once if it is,
   * and otherwise once it is.
   */
  void acknowledge(MemberId to, long match) {
    var message = new RaftMessage.Appended(term(), match);
    if (hardState.equals(durable) && match <= log.stable()) {
      send(to, message);
    } else {
      sendAfterSync(to, message);
    }
  }

  /** Whether the disk holds the present term, vote and log. */
  private boolean isOnDisk() {
    return hardState.equals(durable) && log.stable() == log.lastIndex();
  }

  /**
   * Writes what the handling of one message changed. While the disk fails nothing is written and
   * nothing released.
   */
  void persistPending() {
    if (storage == Storage.FAILS) {
      release.clear();
      return;
    }
    if (hardStateChanged || !unwritten.isEmpty() || (!release.isEmpty() && !isOnDisk())) {
      ports.wal().write(hardState, List.copyOf(unwritten), List.copyOf(release));
      hardStateChanged = false;
      unwritten.clear();
    } else {
      release.forEach(e -> send(e.to(), e.message()));
    }
    release.clear();
  }

  void persisted(ReplicaMessage.Persisted persisted) {
    durable = persisted.hardState();
    if (storage == Storage.TRIED_AGAIN) {
      storage = Storage.WORKS;
    }
    log.stableTo(persisted.last());
    persisted.release().forEach(e -> send(e.to(), e.message()));
    deliver();
  }

  void storageFails() {
    storage = Storage.FAILS;
    durable = null;
  }

  /**
   * The disk works again and its log ends at {@code last}: what is not known to be stable is
   * written anew; but not into a log that a snapshot is about to replace.
   */
  void storageRecovers(long last) {
    storage = Storage.TRIED_AGAIN;
    hardStateChanged = true;
    unwritten.clear();
    long from = Math.max(log.firstIndex(), Math.min(last, log.stable()) + 1);
    if (!isInstalling() && from <= log.lastIndex()) {
      unwritten.addAll(log.slice(from, Long.MAX_VALUE));
    }
  }

  /** Moves the commit mark, never back, and hands the applier what became ready. */
  void commitTo(long index) {
    if (log.commitTo(index)) {
      ports.observer().committed(index);
      deliver();
    }
  }

  void deliver() {
    if (isInstalling()) {
      return;
    }
    List<Entry> next = log.deliver(settings.maxDeliveryBytes());
    while (!next.isEmpty()) {
      ports.applier().apply(next);
      next = log.deliver(settings.maxDeliveryBytes());
    }
  }

  /** One tick passed: callers of proposals that were held too long do not wait any more. */
  void tick() {
    ticks++;
    while (!held.isEmpty()
        && ticks - held.getFirst().sinceTick() >= settings.requestTimeoutTicks()) {
      heldBytes -= held.removeFirst().proposal().sizeBytes();
    }
    if (log.bytes() > settings.maxLaggingLogBytes()) {
      compact(Long.MAX_VALUE);
    }
  }

  /** Keeps a proposal until there is a leader; whether there was room for it. */
  boolean hold(Proposal proposal) {
    if (held.size() >= settings.maxHeldProposals() || heldBytes >= settings.maxHeldBytes()) {
      return false;
    }
    held.addLast(new Held(proposal, ticks));
    heldBytes += proposal.sizeBytes();
    return true;
  }

  /** As {@link #hold(Proposal)}; those without room are refused. */
  void holdOrRefuse(List<Proposal> proposals) {
    for (Proposal proposal : proposals) {
      if (!hold(proposal)) {
        ports.replies().refused(proposal.requestId(), EtcdError.REQUEST_TOO_MANY_REQUESTS);
      }
    }
  }

  List<Proposal> takeHeld() {
    if (held.isEmpty()) {
      return List.of();
    }
    List<Proposal> taken = held.stream().map(Held::proposal).toList();
    held.clear();
    heldBytes = 0;
    return taken;
  }

  /**
   * Tells the member whose clients made these proposals that they were not and will not be taken.
   */
  void refuse(MemberId origin, List<Long> requestIds, EtcdError error) {
    if (origin.equals(self)) {
      requestIds.forEach(id -> ports.replies().refused(id, error));
    } else {
      send(origin, new RaftMessage.Refused(term(), requestIds, error));
    }
  }

  /** What the state machine has on disk covers the log up to this index. */
  void durablyApplied(long index) {
    durablyApplied = Math.max(durablyApplied, index);
  }

  /**
   * Drops the log behind what the state machine has on disk, but keeps some for followers that are
   * behind, as far as the bounds of memory allow.
   *
   * @param neededBehind followers known to need what follows this index
   */
  void compact(long neededBehind) {
    if (isInstalling()) {
      return;
    }
    long bytes = log.bytes();
    long index = Math.min(durablyApplied, log.delivered());
    if (bytes <= settings.maxLogBytes()) {
      index -= settings.catchUpEntries();
    }
    if (bytes <= settings.maxLaggingLogBytes()) {
      index = Math.min(index, neededBehind);
    }
    if (index > log.base().index()) {
      log.compactTo(index);
      ports.wal().compact(log.base());
    }
  }

  @Override
  public String toString() {
    return "member " + self + " " + hardState + " leader " + leader + " " + log;
  }
}
