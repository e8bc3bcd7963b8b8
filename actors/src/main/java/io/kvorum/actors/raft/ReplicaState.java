package io.kvorum.actors.raft;

import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

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

  private Configuration configuration;
  private HardState hardState;
  private MemberId leader = MemberId.NONE;

  private boolean hardStateChanged;
  private final List<Entry> unwritten = new ArrayList<>();
  private final List<Ports.Envelope> release = new ArrayList<>();
  private int writesOutstanding;
  private Storage storage = Storage.WORKS;

  /**
   * Proposals of this member's clients that wait for a leader; bounded by {@link
   * RaftSettings#maxHeldProposals}.
   */
  private final ArrayDeque<Proposal> held = new ArrayDeque<>();

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
    this.log = log;
    this.configuration = configuration;
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

  void configuration(Configuration applied) {
    configuration = applied;
  }

  /** Whether the disk is not known to take writes: proposals are refused then. */
  boolean storageFailed() {
    return storage != Storage.WORKS;
  }

  /** Whether this member may ask for votes: it is a voter and its disk works. */
  boolean mayCampaign() {
    return configuration.isVoter(self) && !storageFailed();
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
   * Writes what the handling of one message changed. While the disk fails nothing is written and
   * nothing released.
   */
  void persistPending() {
    if (storage == Storage.FAILS) {
      release.clear();
      return;
    }
    if (hardStateChanged || !unwritten.isEmpty() || (!release.isEmpty() && writesOutstanding > 0)) {
      writesOutstanding++;
      ports.wal().write(hardState, List.copyOf(unwritten), List.copyOf(release));
      hardStateChanged = false;
      unwritten.clear();
    } else {
      release.forEach(e -> send(e.to(), e.message()));
    }
    release.clear();
  }

  void persisted(ReplicaMessage.Persisted persisted) {
    writesOutstanding = Math.max(0, writesOutstanding - 1);
    if (storage == Storage.TRIED_AGAIN) {
      storage = Storage.WORKS;
    }
    log.stableTo(persisted.last());
    persisted.release().forEach(e -> send(e.to(), e.message()));
    deliver();
  }

  void storageFails() {
    storage = Storage.FAILS;
    writesOutstanding = 0;
  }

  /**
   * The disk works again and its log ends at {@code last}: what is not known to be stable is
   * written anew.
   */
  void storageRecovers(long last) {
    storage = Storage.TRIED_AGAIN;
    hardStateChanged = true;
    unwritten.clear();
    long from = Math.min(last, log.stable()) + 1;
    if (from <= log.lastIndex()) {
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
    List<Entry> next = log.deliver(settings.maxDeliveryBytes());
    while (!next.isEmpty()) {
      ports.applier().apply(next);
      next = log.deliver(settings.maxDeliveryBytes());
    }
  }

  /** Keeps a proposal until there is a leader, or refuses it when too many wait. */
  void hold(Proposal proposal) {
    if (held.size() >= settings.maxHeldProposals()) {
      ports.replies().refused(proposal.requestId(), EtcdError.REQUEST_TOO_MANY_REQUESTS);
    } else {
      held.addLast(proposal);
    }
  }

  List<Proposal> takeHeld() {
    List<Proposal> taken = List.copyOf(held);
    held.clear();
    return taken;
  }

  /**
   * Drops the log behind what the state machine has on disk, but keeps some for followers that are
   * a little behind.
   */
  void compactBehind(long durablyApplied) {
    long keep = log.bytes() > settings.maxLogBytes() ? 0 : settings.catchUpEntries();
    long index = Math.min(durablyApplied, log.delivered()) - keep;
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
