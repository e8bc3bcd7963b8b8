package io.kvorum.verification.simulation;

import io.kvorum.actors.apply.MembershipState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.actors.raft.quorum.Majority;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.LogRecord;
import io.kvorum.protocol.internal.Membership;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What is committed stays: it is one sequence of entries for all (state machine safety), durable on
 * a quorum when it is called committed and never gone from a disk that had it, in the log of every
 * later leader (leader completeness), and committed through an entry of the leader's own term
 * (thesis 3.6). Each membership differs from the one before by one voter at most.
 */
final class CommitInvariants implements Invariant {
  private final Collection<Member> members;
  private final int initialEntries;
  private final List<Entry> committed = new ArrayList<>();

  /** The terms of the leaders that committed them. */
  private final List<Long> committedIn = new ArrayList<>();

  private final Map<MemberId, Long> onDisk = new HashMap<>();
  private final TreeMap<Long, Configuration> configurations = new TreeMap<>();
  private final MembershipState membership = new MembershipState(Membership.getDefaultInstance());

  /**
   * @param initialEntries with which every initial member's log begins; they are committed
   */
  CommitInvariants(Collection<Member> members, List<Entry> initialEntries) {
    this.members = members;
    this.initialEntries = initialEntries.size();
    initialEntries.forEach(entry -> add(entry, 0));
  }

  /** The highest index that anybody has called committed. */
  long index() {
    return committed.size();
  }

  Configuration configuration() {
    return configurations.lastEntry().getValue();
  }

  /** Whether its removal is committed. */
  boolean isRemoved(MemberId id) {
    return membership.get().getRemovedIdsList().contains(id.value());
  }

  private void add(Entry entry, long term) {
    committed.add(entry);
    committedIn.add(term);
    if (entry.kind() == EntryKind.MEMBERSHIP) {
      SortedSet<MemberId> before = membership.configuration().voters();
      membership.apply(MembershipState.change(entry));
      SortedSet<MemberId> after = membership.configuration().voters();
      configurations.put(entry.index(), membership.configuration());
      Violation.check(
          committed.size() <= initialEntries || difference(before, after) <= 1,
          "membership changes by single steps",
          () -> "from " + before + " to " + after + " by " + Wording.entry(entry));
    }
  }

  private static int difference(SortedSet<MemberId> a, SortedSet<MemberId> b) {
    TreeSet<MemberId> onlyA = new TreeSet<>(a);
    onlyA.removeAll(b);
    TreeSet<MemberId> onlyB = new TreeSet<>(b);
    onlyB.removeAll(a);
    return onlyA.size() + onlyB.size();
  }

  @Override
  public void commits(Life life, long index) {
    RaftLog log = life.log();
    Violation.check(
        index >= life.checkedCommit(),
        "commit never goes back",
        () -> life.id() + " from " + life.checkedCommit() + " to " + index);
    long from = Math.max(life.checkedCommit() + 1, log.firstIndex());
    long known = committed.size();
    for (Entry entry : from > index ? List.<Entry>of() : log.slice(from, Long.MAX_VALUE)) {
      if (entry.index() > index) {
        break;
      }
      if (entry.index() <= committed.size()) {
        same(life, entry, "committed");
      } else {
        Violation.check(
            life.leadingTerm() != 0,
            "only leaders commit",
            () -> life.id() + " committed " + Wording.entry(entry) + ", which no leader has");
        add(entry, life.leadingTerm());
      }
    }
    life.checkedCommit(index);
    if (index > known) {
      committedFirst(life, index);
    }
  }

  private void same(Life life, Entry entry, String what) {
    Entry first = committed.get((int) entry.index() - 1);
    Violation.check(
        first.equals(entry),
        "state machine safety",
        () ->
            life.id()
                + " "
                + what
                + " "
                + Wording.entry(entry)
                + " where another committed "
                + Wording.entry(first));
  }

  private void committedFirst(Life leader, long index) {
    Entry newest = committed.get((int) index - 1);
    Violation.check(
        newest.term() == leader.leadingTerm(),
        "commit through the own term only",
        () ->
            "leader "
                + leader.id()
                + " of term "
                + leader.leadingTerm()
                + " commits "
                + Wording.entry(newest));
    Map<MemberId, Member> byId = new HashMap<>();
    members.forEach(m -> byId.put(m.id(), m));
    Configuration counted = leader.configuration();
    Violation.check(
        Majority.holds(counted.voters(), v -> durablyHolds(byId, v, newest)),
        "committed is durable on a quorum",
        () -> {
          List<String> disks = new ArrayList<>();
          counted.voters().forEach(v -> disks.add(v + ": " + disk(byId, v)));
          return leader.id() + " committed " + Wording.entry(newest) + " with disks " + disks;
        });
    for (Member member : members) {
      Life other = member.life();
      if (other != null && other.leadingTerm() > leader.leadingTerm()) {
        complete(other);
      }
    }
  }

  private static boolean durablyHolds(Map<MemberId, Member> byId, MemberId id, Entry entry) {
    Member member = byId.get(id);
    return member != null && member.disk().content().holds(entry.index(), entry.term());
  }

  private static String disk(Map<MemberId, Member> byId, MemberId id) {
    Member member = byId.get(id);
    return member == null ? "none" : member.disk().content().toString();
  }

  @Override
  public void leads(Life life, long term) {
    complete(life);
  }

  /**
   * What leaders of earlier terms have committed, a leader has. One that wins its election when a
   * later term has begun already, since it did not run in between, need not have that term's.
   */
  private void complete(Life leader) {
    int count = committed.size();
    while (count > 0 && committedIn.get(count - 1) >= leader.leadingTerm()) {
      count--;
    }
    if (count == 0) {
      return;
    }
    long index = count;
    Entry newest = committed.get(count - 1);
    RaftLog log = leader.log();
    Violation.check(
        log.base().index() > index || log.matches(newest.position()),
        "leader completeness",
        () ->
            "leader "
                + leader.id()
                + " of term "
                + leader.leadingTerm()
                + " lacks "
                + Wording.entry(newest)
                + " in "
                + log);
  }

  @Override
  public void durable(Member member, LogRecord record) {
    DurableLog disk = member.disk().content();
    long holds = Math.min(committed.size(), disk.lastIndex());
    while (holds > 0 && !disk.holds(holds, committed.get((int) holds - 1).term())) {
      holds--;
    }
    Long before = onDisk.put(member.id(), holds);
    long now = holds;
    Violation.check(
        before == null || before <= holds,
        "what is committed stays on disk",
        () -> member.id() + " held it up to " + before + ", and now up to " + now);
  }

  @Override
  public void applied(Life life, Entry entry, Store.Applied applied) {
    Violation.check(
        entry.index() <= committed.size(),
        "only what is committed is applied",
        () -> life.id() + " applied " + Wording.entry(entry));
    same(life, entry, "applied");
  }

  @Override
  public void configured(Life life, Configuration configuration, long index) {
    Map.Entry<Long, Configuration> due = configurations.floorEntry(index);
    Violation.check(
        due != null && due.getValue().equals(configuration),
        "one membership for all",
        () ->
            life.id()
                + " has "
                + Wording.configuration(configuration)
                + " at index "
                + index
                + ", the log says "
                + (due == null ? "nothing" : Wording.configuration(due.getValue())));
  }

  @Override
  public void readConfirmed(Life life, long floor, long index) {
    Violation.check(
        index >= floor,
        "no stale read index",
        () -> life.id() + " reads at " + index + ", but " + floor + " was committed before");
  }

  @Override
  public void installed(Life life, Store snapshot) {
    configured(
        life, MembershipState.configuration(snapshot.membership()), snapshot.applied().index());
  }
}
