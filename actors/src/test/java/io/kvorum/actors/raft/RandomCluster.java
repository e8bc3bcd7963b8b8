package io.kvorum.actors.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.LongStream;

/**
 * Three members and three who may join, their disks, their state machines, and a bad network
 * between them, driven by one seed.
 *
 * <p>Checked at each step: at most one leader per term (election safety), a leader's log only grows
 * (leader append-only), a new leader has all that was ever applied (leader completeness), all apply
 * the same entries (state-machine safety), and a read's index is not older than what was committed
 * when it was asked for. Checked at the end: log matching, and that all members get there.
 */
final class RandomCluster {
  static final int INITIAL_MEMBERS = 3;
  private static final int MEMBERS = 6;
  private static final long BOOTSTRAP_TERM = 1;

  /** Small bounds, so that windows fill and logs are cut. */
  static final RaftSettings SETTINGS =
      new RaftSettings(10, 1, true, 200, 3, 400, 4000, 300, 40, 4000, 70, 8, 4, 1500, 3000, 20_000);

  private sealed interface InFlight {}

  private record Mail(MemberId from, MemberId to, RaftMessage message) implements InFlight {}

  private record Snapshot(
      MemberId from, MemberId to, long term, LogPosition at, Configuration configuration)
      implements InFlight {}

  final SplittableRandom random;
  private final List<RandomMember> members = new ArrayList<>();
  private final ArrayList<InFlight> network = new ArrayList<>();
  private final Map<Long, MemberId> leaders = new HashMap<>();
  private final Map<Long, Long> committedWhenAsked = new HashMap<>();
  private final List<Entry> history = new ArrayList<>();
  private long committed;
  private long proposals;
  private long reads;
  private boolean faults = true;

  RandomCluster(int seed) {
    random = new SplittableRandom(seed);
    List<Entry> first =
        LongStream.rangeClosed(1, INITIAL_MEMBERS)
            .mapToObj(i -> change(i, BOOTSTRAP_TERM, "voter " + i))
            .toList();
    Configuration initial =
        Configuration.of(
            LongStream.rangeClosed(1, INITIAL_MEMBERS).mapToObj(MemberId::new).toList(), List.of());
    for (int i = 1; i <= MEMBERS; i++) {
      MemberId id = new MemberId(i);
      boolean joins = i > INITIAL_MEMBERS;
      members.add(
          new RandomMember(
              this,
              id,
              joins ? HardState.INITIAL : new HardState(BOOTSTRAP_TERM, MemberId.NONE),
              joins ? List.of() : first,
              joins ? Configuration.of(List.of(), List.of()) : initial));
    }
  }

  private static Entry change(long index, long term, String what) {
    return new Entry(index, term, EntryKind.MEMBERSHIP, ByteString.copyFromUtf8(what));
  }

  /** What the state machine makes of a change; one that would leave no voter changes nothing. */
  static Configuration changed(Configuration before, Entry entry) {
    String[] words = entry.payload().toStringUtf8().split(" ", -1);
    MemberId member = new MemberId(Long.parseLong(words[1]));
    TreeSet<MemberId> voters = new TreeSet<>(before.voters());
    TreeSet<MemberId> learners = new TreeSet<>(before.learners());
    voters.remove(member);
    learners.remove(member);
    switch (words[0]) {
      case "voter" -> voters.add(member);
      case "learner" -> learners.add(member);
      default -> {}
    }
    return voters.isEmpty() ? before : Configuration.of(voters, learners);
  }

  private RandomMember member(MemberId id) {
    return members.get((int) id.value() - 1);
  }

  void step() {
    RandomMember member = members.get(random.nextInt(MEMBERS));
    int dice = random.nextInt(1000);
    if (dice < 200) {
      member.run(new ReplicaMessage.Tick());
    } else if (dice < 300) {
      member.sync();
    } else if (dice < 400) {
      member.applyNext();
    } else if (dice < 450) {
      propose(member);
    } else if (dice < 470) {
      read(member);
    } else if (dice < 480) {
      member.makeDurable();
    } else if (dice < 485) {
      changeMembership(member);
    } else if (dice < 490) {
      member.run(new ReplicaMessage.TransferLeadership(new MemberId(1 + random.nextInt(MEMBERS))));
    } else if (dice < 500) {
      member.finishInstall();
    } else if (dice < 505) {
      member.crash();
    } else if (dice < 508) {
      member.storage();
    } else if (!network.isEmpty()) {
      deliver(network.remove(random.nextInt(network.size())));
    }
    member.checkLeader();
  }

  private void propose(RandomMember member) {
    ByteString payload = ByteString.copyFromUtf8("p" + ++proposals);
    member.run(new ReplicaMessage.Propose(new Proposal(proposals, EntryKind.COMMAND, payload)));
  }

  private void read(RandomMember member) {
    committedWhenAsked.put(++reads, committed);
    member.run(new ReplicaMessage.ReadIndex(reads));
  }

  /** A removed member's id is not used again. */
  private void changeMembership(RandomMember member) {
    Configuration now = configurationNow();
    List<String> changes = new ArrayList<>();
    now.learners().forEach(m -> changes.add("voter " + m.value()));
    if (now.voters().size() > 2) {
      now.voters().forEach(m -> changes.add("remove " + m.value()));
    }
    for (RandomMember other : members) {
      if (!other.wasMember) {
        changes.add("learner " + other.id.value());
        changes.add("voter " + other.id.value());
      }
    }
    if (!changes.isEmpty()) {
      String change = changes.get(random.nextInt(changes.size()));
      if (!change.startsWith("remove")) {
        member(new MemberId(Long.parseLong(change.split(" ", -1)[1]))).wasMember = true;
      }
      member.run(
          new ReplicaMessage.Propose(
              new Proposal(++proposals, EntryKind.MEMBERSHIP, ByteString.copyFromUtf8(change))));
    }
  }

  private Configuration configurationNow() {
    Configuration now = Configuration.of(List.of(), List.of());
    for (Entry entry : history) {
      if (entry.kind() == EntryKind.MEMBERSHIP) {
        now = changed(now, entry);
      }
    }
    return now;
  }

  void send(MemberId from, MemberId to, RaftMessage message) {
    network.add(new Mail(from, to, message));
  }

  void sendSnapshot(MemberId from, MemberId to, long term) {
    RandomMember sender = member(from);
    LogPosition at = sender.applied();
    network.add(new Snapshot(from, to, term, at, sender.configuration()));
  }

  /**
   * The transport loses, delays and reorders everything, and doubles all but forwarded proposals.
   */
  private void deliver(InFlight inFlight) {
    int fate = faults ? random.nextInt(100) : 100;
    switch (inFlight) {
      case Mail mail -> {
        if (fate < 10) {
          return;
        }
        if (fate < 15 && !(mail.message() instanceof RaftMessage.Forward)) {
          network.add(mail);
        }
        member(mail.to()).run(new ReplicaMessage.FromPeer(mail.from(), mail.message()));
      }
      case Snapshot snapshot -> {
        boolean delivered = fate >= 30;
        if (delivered) {
          member(snapshot.to()).receive(snapshot.at(), snapshot.configuration());
          member(snapshot.to())
              .run(
                  new ReplicaMessage.SnapshotReceived(
                      snapshot.from(), snapshot.term(), snapshot.at()));
        }
        member(snapshot.from())
            .run(new ReplicaMessage.SnapshotSent(snapshot.to(), snapshot.at(), delivered));
      }
    }
  }

  void leads(RandomMember member, long term) {
    MemberId other = leaders.putIfAbsent(term, member.id);
    assertTrue(other == null || other.equals(member.id), "two leaders in term " + term);
    for (Entry entry : history) {
      if (entry.index() >= member.log.firstIndex()) {
        assertTrue(
            member.log.matches(entry.position()),
            () -> "leader " + member.id + " of term " + term + " lacks " + entry);
      }
    }
  }

  void committed(long index) {
    committed = Math.max(committed, index);
  }

  void readAt(long token, long index) {
    long due = committedWhenAsked.getOrDefault(token, 0L);
    assertTrue(index >= due, () -> "read " + token + " at " + index + ", committed was " + due);
  }

  void applied(RandomMember member, Entry entry) {
    int at = (int) entry.index() - 1;
    if (at < history.size()) {
      assertEquals(history.get(at), entry, "applied by member " + member.id);
    } else {
      assertEquals(history.size(), at, "applied by member " + member.id);
      history.add(entry);
    }
  }

  /**
   * Without faults a leader is found and all members come to the same history, with a new entry in
   * it.
   */
  void settle() {
    faults = false;
    members.forEach(RandomMember::repairStorage);
    quietRounds(300);
    propose(aVoter());
    String marker = "p" + proposals;
    quietRounds(300);
    assertTrue(
        history.stream().anyMatch(e -> e.payload().toStringUtf8().equals(marker)),
        () -> "the last proposal was never applied: " + configurationNow() + members);
    Configuration now = configurationNow();
    for (RandomMember member : members) {
      if (now.voters().contains(member.id) || now.learners().contains(member.id)) {
        assertEquals(history.size(), member.applied().index(), "member " + member.id + " lags");
        assertEquals(now, member.configuration(), "member " + member.id);
      }
    }
    checkLogMatching();
  }

  private RandomMember aVoter() {
    return member(configurationNow().voters().first());
  }

  private void quietRounds(int rounds) {
    for (int round = 0; round < rounds; round++) {
      members.forEach(m -> m.run(new ReplicaMessage.Tick()));
      for (int i = 0; i < 20; i++) {
        members.forEach(RandomMember::sync);
        members.forEach(RandomMember::applyNext);
        members.forEach(RandomMember::finishInstall);
        List<InFlight> now = List.copyOf(network);
        network.clear();
        now.forEach(this::deliver);
      }
    }
  }

  /** If two logs have an entry with the same index and term, they are identical up to it. */
  private void checkLogMatching() {
    for (RandomMember a : members) {
      for (RandomMember b : members) {
        long first = Math.max(a.log.firstIndex(), b.log.firstIndex());
        boolean agree = false;
        for (long i = Math.min(a.log.lastIndex(), b.log.lastIndex()); i >= first; i--) {
          Entry ours = a.log.slice(i, 1).getFirst();
          Entry theirs = b.log.slice(i, 1).getFirst();
          agree |= ours.term() == theirs.term();
          if (agree) {
            assertEquals(ours, theirs, "members " + a.id + " and " + b.id);
          }
        }
      }
    }
  }
}
