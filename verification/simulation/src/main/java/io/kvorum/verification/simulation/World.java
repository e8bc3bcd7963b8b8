package io.kvorum.verification.simulation;

import io.kvorum.actors.divergence.Divergence;
import io.kvorum.actors.raft.ReplicaMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.MembershipChange;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** A cluster with its time, its network and its machines, watched by the invariants. */
final class World {
  static final long CLUSTER_ID = 0xc1;

  private final Setup setup;
  private final SplittableRandom random;
  private final Tampering tampering;
  private final Agenda agenda = new Agenda();
  private final Trace trace = new Trace(agenda);
  private final Network network;
  private final Transfers transfers;
  private final TreeMap<MemberId, Member> members = new TreeMap<>();
  private final List<MemberId> initialIds;
  private final List<Entry> initialEntries;
  private final CommitInvariants commits;
  private final LeaseInvariants leases;
  private final Invariants invariants;
  private Consumer<MemberId> onVote = voter -> {};
  private boolean countsLeases;
  private Consumer<Divergence> onDivergence = divergence -> {};
  private long lastId;

  World(Setup setup, SplittableRandom random, Tampering tampering) {
    this.setup = setup;
    this.random = random;
    this.tampering = tampering;
    this.network = new Network(agenda, random.split(), trace, setup.network(), this::deliver);
    this.transfers = new Transfers(this);
    this.initialIds = LongStream.rangeClosed(1, setup.members()).mapToObj(MemberId::new).toList();
    this.initialEntries = initialEntries(initialIds);
    this.commits = new CommitInvariants(members.values(), initialEntries);
    this.leases = new LeaseInvariants(agenda);
    this.invariants =
        new Invariants(
            List.of(
                new ElectionInvariants(),
                new LogInvariants(),
                commits,
                new StoreInvariants(),
                leases,
                new ChainInvariants(tampering.makesMembersDiffer())));
    this.lastId = setup.members();
    initialIds.forEach(id -> add(new Member(this, id, initialEntries)));
  }

  private static List<Entry> initialEntries(List<MemberId> ids) {
    List<Entry> entries = new ArrayList<>();
    for (MemberId id : ids) {
      entries.add(
          new Entry(
              entries.size() + 1L,
              1,
              EntryKind.MEMBERSHIP,
              MembershipChange.newBuilder()
                  .setKind(MembershipChange.Kind.ADD_VOTER)
                  .setMemberId(id.value())
                  .addPeerUrls("http://" + id)
                  .build()
                  .toByteString()));
    }
    return entries;
  }

  private void add(Member member) {
    member.disk().syncTakes(setup.minSyncMicros(), setup.maxSyncMicros());
    tampering.machine(member);
    members.put(member.id(), member);
  }

  /** A new machine with empty disks, not started. */
  Member build() {
    Member member = new Member(this, new MemberId(++lastId), List.of());
    add(member);
    return member;
  }

  Setup setup() {
    return setup;
  }

  SplittableRandom random() {
    return random;
  }

  Tampering tampering() {
    return tampering;
  }

  Agenda agenda() {
    return agenda;
  }

  Trace trace() {
    return trace;
  }

  Network network() {
    return network;
  }

  Transfers transfers() {
    return transfers;
  }

  LeaseInvariants leases() {
    return leases;
  }

  /** There are leases: whoever leads counts their time. */
  void countLeases() {
    countsLeases = true;
  }

  boolean countsLeases() {
    return countsLeases;
  }

  Invariants invariants() {
    return invariants;
  }

  Collection<Member> members() {
    return members.values();
  }

  Member member(MemberId id) {
    Member member = members.get(id);
    if (member == null) {
      throw new IllegalArgumentException("no member " + id);
    }
    return member;
  }

  @Nullable Life lifeOf(MemberId id) {
    Member member = members.get(id);
    return member == null ? null : member.life();
  }

  /** The highest index that anybody has called committed. */
  long committed() {
    return commits.index();
  }

  /** The membership that is committed. */
  Configuration configuration() {
    return commits.configuration();
  }

  /** Whether its removal is committed. */
  boolean isRemoved(MemberId id) {
    return commits.isRemoved(id);
  }

  Configuration initialConfiguration(MemberId of) {
    return initialIds.contains(of)
        ? Configuration.of(initialIds, List.of())
        : Configuration.of(List.of(), List.of());
  }

  /** Who is told of the next votes given. */
  void onVote(Consumer<MemberId> told) {
    onVote = told;
  }

  /** Who is told when a leader says that members hold different data. */
  void listen(Consumer<Divergence> told) {
    onDivergence = told;
  }

  void diverged(Life leader, Divergence divergence) {
    trace.note(leader.id(), "finds a " + divergence);
    invariants.diverged(leader, divergence);
    onDivergence.accept(divergence);
  }

  void voted(MemberId voter) {
    onVote.accept(voter);
  }

  /** Processes that run. */
  List<Life> lives() {
    List<Life> lives = new ArrayList<>();
    for (Member member : members.values()) {
      Life life = member.life();
      if (life != null && life.isUp()) {
        lives.add(life);
      }
    }
    return lives;
  }

  /** Who leads the newest term, as it sees it. */
  @Nullable Life leader() {
    Life newest = null;
    for (Life life : lives()) {
      if (life.leadingTerm() > 0 && (newest == null || life.leadingTerm() > newest.leadingTerm())) {
        newest = life;
      }
    }
    return newest;
  }

  private void deliver(MemberId to, Wording.Sent sent) {
    Life life = lifeOf(to);
    if (life == null) {
      trace.note(sent.from(), new Wording.Lost(sent.from(), to, sent.message()));
    } else {
      life.post(() -> life.tell(new ReplicaMessage.FromPeer(sent.from(), sent.message())));
    }
  }

  /** How long a message waits in a mailbox. */
  long handlingMicros() {
    return setup.handlingMicros() == 0 ? 0 : random.nextLong(setup.handlingMicros());
  }

  /** A time between half and one and a half of this; exactly this in a quiet setup. */
  long around(long micros) {
    return setup.handlingMicros() == 0 ? micros : micros / 2 + random.nextLong(micros + 1);
  }

  /** Every machine runs, on good disks and clocks, and every message arrives. */
  void repair() {
    network.heal();
    network.quality(Network.Quality.PERFECT);
    for (Member member : members.values()) {
      member.disk().failing(false);
      member.disk().syncTakes(setup.minSyncMicros(), setup.maxSyncMicros());
      member.tickMicros(setup.tickMicros());
      member.applyMicros(setup.applyMicros());
      member.resume();
      member.start();
    }
  }
}
