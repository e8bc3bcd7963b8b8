package io.kvorum.actors.raft;

import static io.kvorum.actors.raft.ReplicaFixture.ELECTION_TICKS;
import static io.kvorum.actors.raft.ReplicaFixture.SELF;
import static io.kvorum.actors.raft.ReplicaFixture.THREE;
import static io.kvorum.actors.raft.ReplicaFixture.TWO;
import static io.kvorum.actors.raft.ReplicaFixture.entry;
import static io.kvorum.actors.raft.ReplicaFixture.followerOf;
import static io.kvorum.actors.raft.ReplicaFixture.proposal;
import static io.kvorum.actors.raft.ReplicaFixture.to;
import static io.kvorum.actors.raft.ReplicaFixture.voters;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.actors.raft.RaftMessage.Append;
import io.kvorum.actors.raft.RaftMessage.AppendRejected;
import io.kvorum.actors.raft.RaftMessage.Appended;
import io.kvorum.actors.raft.RaftMessage.Heartbeat;
import io.kvorum.actors.raft.RaftMessage.HeartbeatResponse;
import io.kvorum.actors.raft.RaftMessage.VoteRequest;
import io.kvorum.actors.raft.RaftMessage.VoteResponse;
import io.kvorum.actors.raft.RecordingPorts.Applied;
import io.kvorum.actors.raft.RecordingPorts.Committed;
import io.kvorum.actors.raft.RecordingPorts.Compacted;
import io.kvorum.actors.raft.RecordingPorts.Discard;
import io.kvorum.actors.raft.RecordingPorts.Effect;
import io.kvorum.actors.raft.RecordingPorts.Install;
import io.kvorum.actors.raft.RecordingPorts.Leads;
import io.kvorum.actors.raft.RecordingPorts.Sent;
import io.kvorum.actors.raft.RecordingPorts.SnapshotTo;
import io.kvorum.actors.raft.RecordingPorts.Write;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Snapshots: a leader that sends one, a follower that installs one, and what the log keeps
 * meanwhile.
 */
final class SnapshotStepTest {
  private static final LogPosition AT = new LogPosition(9, 1);

  /** Leads term 2 with a log that begins behind entry 5. */
  private static ReplicaFixture leaderWithCutLog(RaftSettings settings) {
    RaftLog log = new RaftLog(new LogPosition(5, 1), List.of(entry(6, 1)), 6);
    ReplicaFixture leader =
        new ReplicaFixture(settings, voters(3), new HardState(1, MemberId.NONE), log);
    leader.lead(2, new LogPosition(6, 1));
    leader.from(THREE, new Appended(2, 7));
    return leader;
  }

  @Test
  void aFollowerBehindTheLogGetsASnapshotAndNoEntries() {
    ReplicaFixture leader = leaderWithCutLog(ReplicaFixture.SETTINGS);
    assertEquals(
        List.of(new SnapshotTo(TWO, 2)),
        leader.from(TWO, new AppendRejected(2, 6, LogPosition.ZERO)));
    assertFalse(leader.run(new ReplicaMessage.Propose(proposal(9))).stream().anyMatch(toTwo()));
  }

  private static java.util.function.Predicate<Effect> toTwo() {
    return effect ->
        effect instanceof Sent(var to, var message) && to.equals(TWO) && message instanceof Append;
  }

  @Test
  void aDeliveredSnapshotIsProbedWithoutEntriesUntilItIsInPlace() {
    ReplicaFixture leader = leaderWithCutLog(ReplicaFixture.SETTINGS);
    leader.from(TWO, new AppendRejected(2, 6, LogPosition.ZERO));
    leader.run(new ReplicaMessage.SnapshotSent(TWO, new LogPosition(6, 1), true));
    assertTrue(
        leader
            .run(new ReplicaMessage.Tick())
            .contains(new Sent(TWO, new Append(2, new LogPosition(6, 1), List.of(), 7))));
    assertTrue(leader.from(TWO, new Appended(2, 6)).stream().anyMatch(toTwo()));
  }

  @Test
  void oneThatDidNotArriveIsSentAgainWithTheNextHeartbeat() {
    ReplicaFixture leader = leaderWithCutLog(ReplicaFixture.SETTINGS);
    leader.from(TWO, new AppendRejected(2, 6, LogPosition.ZERO));
    assertEquals(List.of(), leader.run(new ReplicaMessage.SnapshotSent(TWO, AT, false)));
    assertTrue(leader.run(new ReplicaMessage.Tick()).contains(new SnapshotTo(TWO, 2)));
  }

  @Test
  void theLogIsKeptForAFollowerThatReceivesASnapshotAsFarAsMemoryAllows() {
    ReplicaFixture leader = leaderWithCutLog(ReplicaFixture.bounds(10_000, 0, 0, 10_000));
    leader.persisted(new HardState(2, SELF), new LogPosition(7, 2));
    leader.from(TWO, new AppendRejected(2, 6, LogPosition.ZERO));
    assertEquals(List.of(), leader.run(new ReplicaMessage.DurablyApplied(7)));
    ReplicaFixture small = leaderWithCutLog(ReplicaFixture.bounds(10_000, 0, 0, 0));
    small.persisted(new HardState(2, SELF), new LogPosition(7, 2));
    small.from(TWO, new AppendRejected(2, 6, LogPosition.ZERO));
    assertEquals(
        List.of(new Compacted(new LogPosition(7, 2))),
        small.run(new ReplicaMessage.DurablyApplied(7)));
  }

  @Test
  void aMemberThatInstallsTakesNothingButHeartbeatsAndThenGoesOnBehindTheSnapshot() {
    ReplicaFixture replica = followerOf(TWO, 2);
    assertEquals(
        List.of(new Install(AT)), replica.run(new ReplicaMessage.SnapshotReceived(TWO, 2, AT)));
    assertEquals(
        List.of(), replica.from(TWO, new Append(2, LogPosition.ZERO, List.of(entry(1, 2)), 1)));
    assertEquals(
        List.of(new Sent(TWO, new HeartbeatResponse(2, 3))),
        replica.from(TWO, new Heartbeat(2, 9, 3)));
    replica.ticks(4 * ELECTION_TICKS);
    replica.from(TWO, new Heartbeat(2, 9, 0));
    assertEquals(
        List.of(new Committed(9), new Sent(TWO, new Appended(2, 9))),
        replica.run(new ReplicaMessage.SnapshotInstalled(AT, voters(3))));
    assertEquals(
        List.of(
            new Write(
                new HardState(2, MemberId.NONE),
                List.of(entry(10, 2)),
                List.of(to(TWO, new Appended(2, 10))))),
        replica.from(TWO, new Append(2, AT, List.of(entry(10, 2)), 9)));
  }

  @Test
  void whileItInstallsItVotesOnlyForWhoHasTheSnapshot() {
    ReplicaFixture replica = followerOf(TWO, 2);
    replica.run(new ReplicaMessage.SnapshotReceived(TWO, 2, AT));
    assertEquals(
        List.of(
            new Leads(MemberId.NONE, 3),
            new Write(
                new HardState(3, MemberId.NONE),
                List.of(),
                List.of(to(THREE, new VoteResponse(3, false, false))))),
        replica.from(THREE, new VoteRequest(3, new LogPosition(8, 1), false, true)));
    assertEquals(
        List.of(
            new Write(
                new HardState(4, THREE),
                List.of(),
                List.of(to(THREE, new VoteResponse(4, true, false))))),
        replica.from(THREE, new VoteRequest(4, AT, false, true)));
  }

  @Test
  void aSnapshotOfWhatTheLogHoldsOnlyMovesTheCommitMark() {
    ReplicaFixture replica = new ReplicaFixture(3, new HardState(1, MemberId.NONE), 1, 1);
    replica.from(TWO, new Heartbeat(1, 0, 0));
    LogPosition here = new LogPosition(2, 1);
    assertEquals(
        List.of(
            new Discard(here),
            new Committed(2),
            new Applied(List.of(entry(1, 1), entry(2, 1))),
            new Sent(TWO, new Appended(1, 2))),
        replica.run(new ReplicaMessage.SnapshotReceived(TWO, 1, here)));
    assertEquals(
        new Discard(new LogPosition(1, 1)),
        replica.run(new ReplicaMessage.SnapshotReceived(TWO, 1, new LogPosition(1, 1))).getFirst());
  }

  @Test
  void aSecondSnapshotIsDiscardedButNotTheOneBeingInstalled() {
    ReplicaFixture replica = followerOf(TWO, 2);
    replica.run(new ReplicaMessage.SnapshotReceived(TWO, 2, AT));
    assertEquals(List.of(), replica.run(new ReplicaMessage.SnapshotReceived(TWO, 2, AT)));
    LogPosition other = new LogPosition(12, 2);
    assertEquals(
        List.of(new Discard(other)),
        replica.run(new ReplicaMessage.SnapshotReceived(TWO, 2, other)));
  }
}
