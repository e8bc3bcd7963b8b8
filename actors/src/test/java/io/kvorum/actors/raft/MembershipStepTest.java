package io.kvorum.actors.raft;

import static io.kvorum.actors.raft.ReplicaFixture.ELECTION_TICKS;
import static io.kvorum.actors.raft.ReplicaFixture.SELF;
import static io.kvorum.actors.raft.ReplicaFixture.THREE;
import static io.kvorum.actors.raft.ReplicaFixture.TWO;
import static io.kvorum.actors.raft.ReplicaFixture.change;
import static io.kvorum.actors.raft.ReplicaFixture.entry;
import static io.kvorum.actors.raft.ReplicaFixture.followerOf;
import static io.kvorum.actors.raft.ReplicaFixture.leaderOfThree;
import static io.kvorum.actors.raft.ReplicaFixture.proposal;
import static io.kvorum.actors.raft.ReplicaFixture.proposed;
import static io.kvorum.actors.raft.ReplicaFixture.voters;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.RaftMessage.Append;
import io.kvorum.actors.raft.RaftMessage.Appended;
import io.kvorum.actors.raft.RaftMessage.TimeoutNow;
import io.kvorum.actors.raft.RecordingPorts.Applied;
import io.kvorum.actors.raft.RecordingPorts.Committed;
import io.kvorum.actors.raft.RecordingPorts.Effect;
import io.kvorum.actors.raft.RecordingPorts.Leads;
import io.kvorum.actors.raft.RecordingPorts.ReadAt;
import io.kvorum.actors.raft.RecordingPorts.Sent;
import io.kvorum.actors.raft.RecordingPorts.Write;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Membership changes (thesis 4.1), which take effect when they are applied: step by step. */
final class MembershipStepTest {
  private static final Entry NOTHING = new Entry(3, 1, EntryKind.EMPTY, ByteString.EMPTY);

  @Test
  void aSecondChangeIsReplacedByAnEmptyEntryUntilTheFirstIsApplied() {
    ReplicaFixture leader = leaderOfThree();
    leader.kit.run(new ReplicaMessage.Propose(change(7)));
    leader.kit.run(new ReplicaMessage.Propose(change(8)));
    Entry first = new Entry(2, 1, EntryKind.MEMBERSHIP, change(7).payload());
    assertTrue(
        leader
            .run(leader.kit.selfInbox().receiveMessage())
            .contains(new Write(new HardState(1, SELF), List.of(first, NOTHING), List.of())));
    leader.run(new ReplicaMessage.ConfigurationApplied(voters(3), 2));
    Entry next = new Entry(4, 1, EntryKind.MEMBERSHIP, change(9).payload());
    assertTrue(
        leader
            .run(new ReplicaMessage.Propose(change(9)))
            .contains(new Write(new HardState(1, SELF), List.of(next), List.of())));
  }

  @Test
  void aNewLeaderCountsAChangeInItsLogAsPending() {
    RaftLog log =
        new RaftLog(
            LogPosition.ZERO,
            List.of(entry(1, 1), new Entry(2, 1, EntryKind.MEMBERSHIP, change(7).payload())),
            1);
    ReplicaFixture leader =
        new ReplicaFixture(
            ReplicaFixture.SETTINGS, voters(3), new HardState(1, MemberId.NONE), log);
    leader.lead(2, new LogPosition(2, 1));
    assertTrue(
        leader.run(new ReplicaMessage.Propose(change(8))).stream()
            .noneMatch(
                e -> e instanceof Write w && w.entries().getFirst().kind() != EntryKind.EMPTY));
  }

  @Test
  void nobodyStandsBeforeItHasAppliedAChangeThatItKnowsToBeCommitted() {
    ReplicaFixture replica = followerOf(TWO, 1);
    Entry change = new Entry(1, 1, EntryKind.MEMBERSHIP, change(7).payload());
    replica.from(TWO, new Append(1, LogPosition.ZERO, List.of(change), 1));
    replica.persisted(new HardState(1, MemberId.NONE), change.position());
    assertTrue(replica.ticks(3 * ELECTION_TICKS).stream().noneMatch(e -> e instanceof Sent));
    replica.run(new ReplicaMessage.ConfigurationApplied(voters(3), 1));
    assertFalse(replica.timeOut().isEmpty());
  }

  /** The commit mark is not on disk: the log itself says that all changes but the newest are. */
  @Test
  void afterARestartAllButTheNewestChangeAreAppliedBeforeItStands() {
    Entry first = new Entry(2, 1, EntryKind.MEMBERSHIP, change(7).payload());
    Entry second = new Entry(3, 1, EntryKind.MEMBERSHIP, change(8).payload());
    RaftLog log = new RaftLog(LogPosition.ZERO, List.of(entry(1, 1), first, second), 0);
    ReplicaFixture replica =
        new ReplicaFixture(
            ReplicaFixture.SETTINGS, voters(3), new HardState(1, MemberId.NONE), log);
    assertEquals(
        List.of(new Applied(List.of(entry(1, 1), first))), replica.run(new ReplicaMessage.Start()));
    assertEquals(List.of(), replica.ticks(3 * ELECTION_TICKS));
    replica.run(new ReplicaMessage.ConfigurationApplied(voters(3), 2));
    assertFalse(replica.timeOut().isEmpty());
  }

  @Test
  void theMembersWithWhichALogBeginsAreCommittedByThemselves() {
    Entry one = new Entry(1, 1, EntryKind.MEMBERSHIP, change(1).payload());
    Entry two = new Entry(2, 1, EntryKind.MEMBERSHIP, change(2).payload());
    RaftLog log = new RaftLog(LogPosition.ZERO, List.of(one, two), 0);
    ReplicaFixture replica =
        new ReplicaFixture(
            ReplicaFixture.SETTINGS, voters(2), new HardState(1, MemberId.NONE), log);
    assertEquals(List.of(new Applied(List.of(one, two))), replica.run(new ReplicaMessage.Start()));
  }

  @Test
  void aNewMemberIsProbedAtOnceAndCountsOnlyAsAVoter() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    MemberId four = new MemberId(4);
    assertEquals(
        List.of(new Sent(four, new Append(1, new LogPosition(1, 1), List.of(), 1))),
        leader.run(
            new ReplicaMessage.ConfigurationApplied(
                Configuration.of(voters(3).voters(), List.of(four)), 1)));
    leader.run(new ReplicaMessage.Propose(proposal(9)));
    leader.persisted(new HardState(1, SELF), new LogPosition(2, 1));
    assertTrue(
        leader.from(four, new Appended(1, 2)).stream().noneMatch(e -> e instanceof Committed));
    assertTrue(leader.from(TWO, new Appended(1, 2)).contains(new Committed(2)));
  }

  @Test
  void aSmallerQuorumCommitsWhatItHas() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    leader.run(new ReplicaMessage.Propose(proposal(9)));
    leader.persisted(new HardState(1, SELF), new LogPosition(2, 1));
    leader.run(new ReplicaMessage.ReadIndex(40));
    assertEquals(
        List.of(new Committed(2), new Applied(List.of(proposed(2, 1, 9))), new ReadAt(40, 1)),
        leader.run(new ReplicaMessage.ConfigurationApplied(voters(1), 1)));
  }

  /** Thesis 4.2.2; the empty entry carries the news that the removal is committed. */
  @Test
  void aRemovedLeaderStaysUntilAMajorityOfTheOthersKnowsAndThenNamesASuccessor() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    leader.from(THREE, new Appended(1, 1));
    Entry farewell = new Entry(2, 1, EntryKind.EMPTY, ByteString.EMPTY);
    var append = new Append(1, new LogPosition(1, 1), List.of(farewell), 1);
    assertEquals(
        List.of(
            new Sent(TWO, append),
            new Sent(THREE, append),
            new Write(new HardState(1, SELF), List.of(farewell), List.of())),
        leader.run(
            new ReplicaMessage.ConfigurationApplied(
                Configuration.of(List.of(TWO, THREE), List.of()), 1)));
    assertEquals(List.of(), leader.persisted(new HardState(1, SELF), farewell.position()));
    assertEquals(List.of(), leader.run(new ReplicaMessage.Propose(proposal(9))));
    assertTrue(leader.from(TWO, new Appended(1, 2)).stream().noneMatch(e -> e instanceof Leads));
    List<Effect> last = leader.from(THREE, new Appended(1, 2));
    assertTrue(last.contains(new Sent(TWO, new TimeoutNow(1))));
    assertEquals(new Leads(MemberId.NONE, 1), last.getLast());
    assertEquals(List.of(), leader.ticks(4 * ELECTION_TICKS));
  }

  @Test
  void aCandidateThatIsRemovedStopsAsking() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL, 1);
    replica.timeOut();
    replica.run(
        new ReplicaMessage.ConfigurationApplied(
            Configuration.of(List.of(TWO, THREE), List.of()), 1));
    assertEquals(List.of(), replica.ticks(4 * ELECTION_TICKS));
  }
}
