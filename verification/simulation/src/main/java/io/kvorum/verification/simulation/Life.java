package io.kvorum.verification.simulation;

import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.apply.PendingProposals;
import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.Ports;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.raft.Replica;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.actors.wal.RecoveredLog;
import io.kvorum.persistence.mvcc.RevisionChain;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The life of a process: a replica with everything that its ports lead to, put together as a
 * group's supervisor does. All of it is lost with a crash.
 */
final class Life
    implements Ports.RaftTransport, Ports.Wal, Ports.Replies, Ports.Observer, Ports.Snapshots {
  private static final long WAL_RETRY_MICROS = Agenda.SECONDS;

  private final Member member;
  private final World world;
  private final int number;
  private final Requests requests;
  private final StoreWriter applier;
  private final LeaseTime leases;
  private final ChainWatch chainWatch;
  private final ArrayDeque<ReplicaMessage> mailbox = new ArrayDeque<>();
  private final ArrayDeque<Runnable> backlog = new ArrayDeque<>();

  private final Map<LogPosition, Store> received = new HashMap<>();
  private @Nullable LogWriter writer;
  private @Nullable RaftLog log;
  private @Nullable ReplicaDriver replica;
  private Configuration configuration = Configuration.of(List.of(), List.of());
  private long configurationIndex;
  private MemberId leader = MemberId.NONE;
  private long leadingTerm;
  private LogPosition lastAsLeader = LogPosition.ZERO;
  private long checkedCommit;
  private boolean drainDue;
  private int missedTicks;
  private boolean dead;

  Life(Member member, int number) {
    this.member = member;
    this.world = member.world();
    this.number = number;
    PendingProposals proposals =
        new PendingProposals(
            member.id(),
            world.agenda().now() / 1000,
            world.setup().requestTimeoutNanos(),
            begun -> EtcdError.TIMEOUT);
    this.applier = new StoreWriter(this, member.stored(), proposals);
    this.leases = new LeaseTime(this, proposals, applier.applied());
    this.requests = new Requests(this, proposals, applier.applied());
    this.chainWatch = new ChainWatch(this);
  }

  void start() {
    try {
      startOn(member.disk().recover());
    } catch (IllegalStateException e) {
      throw new Violation("a member starts with what its disks hold", e);
    }
    tick();
    chainWatch.lookNowAndThen();
  }

  private void startOn(RecoveredLog recovered) {
    LogPosition unfinished = member.unfinishedInstall();
    LogWriter opened = open(recovered);
    if (unfinished != null && !recovered.base().equals(unfinished)) {
      opened.replace(
          unfinished,
          () -> {
            member.installFinished();
            launch(member.disk().recover());
          });
    } else {
      member.installFinished();
      launch(recovered);
    }
  }

  private LogWriter open(RecoveredLog recovered) {
    LogWriter opened = new LogWriter(member.disk(), recovered, this::post, this::tell);
    writer = opened;
    member.disk().onFailure(() -> post(this::storageFailed));
    return opened;
  }

  private void launch(RecoveredLog recovered) {
    long stored = store().applied().index();
    RaftLog tail = new RaftLog(recovered.base(), recovered.entries(), stored);
    log = tail;
    configuration = storedConfiguration();
    configurationIndex = stored;
    checkedCommit = stored;
    leases.load(store());
    replica =
        new ReplicaDriver(
            Replica.create(
                member.id(),
                world.setup().raft(),
                member.random().split(),
                recovered.hardState(),
                tail,
                configuration,
                world.tampering().ports(this, new Ports(this, this, applier, this, this, this))),
            mailbox::addLast);
    world.invariants().started(this);
    tell(new ReplicaMessage.Start());
  }

  private Configuration storedConfiguration() {
    if (store().applied().index() > 0) {
      return MembershipState.configuration(store().membership());
    }
    return world.initialConfiguration(member.id());
  }

  /** What the disk holds is all that is left. */
  void die() {
    dead = true;
    leadingTerm = 0;
  }

  Member member() {
    return member;
  }

  MemberId id() {
    return member.id();
  }

  RaftLog log() {
    return java.util.Objects.requireNonNull(log);
  }

  boolean isDead() {
    return dead;
  }

  /** Whether the log was read and the replica runs. */
  boolean isUp() {
    return replica != null;
  }

  Store store() {
    return applier.store();
  }

  LeaseTime leases() {
    return leases;
  }

  /** What clients may ask of it. */
  Requests requests() {
    return requests;
  }

  RevisionChain chain() {
    return applier.chain();
  }

  Configuration configuration() {
    return configuration;
  }

  long configurationIndex() {
    return configurationIndex;
  }

  boolean isAlone() {
    return configuration.voters().size() == 1 && configuration.learners().isEmpty();
  }

  MemberId leader() {
    return leader;
  }

  /** 0 while it does not lead. */
  long leadingTerm() {
    return leadingTerm;
  }

  LogPosition lastAsLeader() {
    return lastAsLeader;
  }

  void lastAsLeader(LogPosition last) {
    lastAsLeader = last;
  }

  long checkedCommit() {
    return checkedCommit;
  }

  void checkedCommit(long index) {
    checkedCommit = index;
  }

  String role() {
    return replica == null ? "starting" : replica.role();
  }

  // What happens to the process.

  /** Something happens in the process: now, when it goes on, or never if it is gone. */
  void post(Runnable event) {
    if (dead) {
      return;
    }
    if (member.isPaused()) {
      backlog.addLast(event);
    } else {
      event.run();
    }
  }

  void tell(ReplicaMessage message) {
    if (dead) {
      return;
    }
    mailbox.addLast(message);
    if (!drainDue) {
      drainDue = true;
      world.agenda().in(world.handlingMicros(), () -> post(this::drain));
    }
  }

  private void drain() {
    drainDue = false;
    while (!mailbox.isEmpty() && !dead) {
      if (replica == null) {
        return;
      }
      handle(replica, mailbox.removeFirst());
    }
  }

  private void handle(ReplicaDriver driver, ReplicaMessage message) {
    if (message instanceof ReplicaMessage.FromPeer(var from, var raft)) {
      world.trace().note(id(), new Wording.Heard(from, raft));
    }
    if (message instanceof ReplicaMessage.ConfigurationApplied(var changed, var index)) {
      world.invariants().configured(this, changed, index);
      configured(changed, index);
    }
    if (message instanceof ReplicaMessage.SnapshotInstalled(var at, var restored)) {
      configured(restored, at.index());
    }
    String before = driver.role();
    driver.receive(message);
    if (!before.equals(driver.role())) {
      world.trace().note(id(), "is now a " + driver.role());
    }
    world.invariants().handled(this);
  }

  private void configured(Configuration changed, long index) {
    if (index > configurationIndex) {
      configuration = changed;
      configurationIndex = index;
    }
  }

  private void tick() {
    world
        .agenda()
        .in(
            member.tickMicros(),
            () -> {
              if (dead) {
                return;
              }
              if (member.isPaused()) {
                missedTicks++;
              } else {
                onTick();
              }
              tick();
            });
  }

  private void onTick() {
    tell(new ReplicaMessage.Tick());
    requests.expire();
  }

  /** What waited goes on, with some of the ticks missed in between. */
  void resume() {
    int ticks = missedTicks == 0 ? 0 : member.random().nextInt(missedTicks + 1);
    missedTicks = 0;
    List<Runnable> waited = new ArrayList<>(backlog);
    backlog.clear();
    for (int i = 0; i < ticks; i++) {
      waited.add(member.random().nextInt(waited.size() + 1), this::onTick);
    }
    waited.forEach(this::post);
  }

  private void storageFailed() {
    world.trace().note(id(), "cannot write its log");
    if (writer != null) {
      writer.stop();
    }
    if (replica != null) {
      tell(new ReplicaMessage.StorageFailed("simulated"));
    }
    world.agenda().in(WAL_RETRY_MICROS, () -> post(this::reopenLog));
  }

  private void reopenLog() {
    RecoveredLog recovered = member.disk().recover();
    if (replica == null) {
      // It failed as it began: the process ends and is started anew.
      startOn(recovered);
      return;
    }
    LogWriter opened = open(recovered);
    LogPosition unfinished = member.unfinishedInstall();
    if (unfinished != null) {
      replaceLog(opened, unfinished);
    }
    tell(new ReplicaMessage.StorageRecovered(recovered.last()));
  }

  // Ports.

  @Override
  public void send(MemberId to, RaftMessage message) {
    world.invariants().sent(id(), to, message);
    world.network().send(id(), to, message);
    if (message instanceof RaftMessage.VoteResponse(var term, var granted, var preVote)
        && granted
        && !preVote) {
      world.voted(id());
    }
  }

  @Override
  public void write(HardState hardState, List<Entry> entries, List<Ports.Envelope> release) {
    world.invariants().writes(this, hardState, entries);
    if (writer != null) {
      writer.write(hardState, entries, release);
    }
  }

  @Override
  public void compact(LogPosition base) {
    world.trace().note(id(), "drops its log up to " + base.index());
    if (writer != null) {
      writer.compact(base);
    }
  }

  @Override
  public void readIndex(long token, long index) {
    if (LeaseTime.isToken(token)) {
      leases.confirmed(token, index);
      return;
    }
    requests.confirmed(token, index);
  }

  @Override
  public void refused(long requestId, EtcdError error) {
    requests.refused(requestId, error);
  }

  @Override
  public void leader(MemberId next, long term) {
    MemberId before = leader;
    leader = next;
    leadingTerm = next.equals(id()) ? term : 0;
    world
        .trace()
        .note(
            id(),
            leadingTerm != 0
                ? "leads term " + term
                : next.equals(MemberId.NONE)
                    ? "knows no leader, term " + term
                    : "follows " + next + " in term " + term);
    if (leadingTerm != 0) {
      world.invariants().leads(this, term);
      if (world.countsLeases()) {
        leases.leads(term);
      }
    } else {
      leases.follows();
    }
    if (!before.equals(MemberId.NONE)) {
      requests.failReads();
    }
  }

  @Override
  public void committed(long index) {
    world.trace().note(id(), "committed up to " + index);
    world.invariants().commits(this, index);
  }

  @Override
  public void send(MemberId to, long term) {
    world.transfers().send(this, to, term);
  }

  /** A snapshot has arrived whole. */
  void receive(MemberId from, long term, Store snapshot) {
    received.put(snapshot.applied(), snapshot);
    tell(new ReplicaMessage.SnapshotReceived(from, term, snapshot.applied()));
  }

  @Override
  public void install(LogPosition at) {
    Store snapshot = received.remove(at);
    Violation.check(snapshot != null, "install what was received", () -> id() + " installs " + at);
    if (snapshot == null) {
      return;
    }
    received.clear();
    world.trace().note(id(), "installs the snapshot at " + Wording.at(at));
    world.agenda().in(world.around(member.applyMicros()), () -> post(() -> putIntoForce(snapshot)));
  }

  private void putIntoForce(Store snapshot) {
    world.invariants().installed(this, snapshot);
    member.install(snapshot);
    applier.replace(snapshot);
    if (writer != null) {
      replaceLog(writer, snapshot.applied());
    }
  }

  private void replaceLog(LogWriter by, LogPosition at) {
    by.replace(
        at,
        () -> {
          member.installFinished();
          world.trace().note(id(), "has installed the snapshot at " + Wording.at(at));
          tell(
              new ReplicaMessage.SnapshotInstalled(
                  at, MembershipState.configuration(store().membership())));
        });
  }

  @Override
  public void discard(LogPosition at) {
    received.remove(at);
  }

  @Override
  public String toString() {
    return id() + " (life " + number + ", " + role() + ")";
  }
}
