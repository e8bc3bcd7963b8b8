package io.kvorum.actors.raft;

import static io.kvorum.actors.raft.ReplicaFixture.SELF;
import static io.kvorum.actors.raft.ReplicaFixture.THREE;
import static io.kvorum.actors.raft.ReplicaFixture.TWO;
import static io.kvorum.actors.raft.ReplicaFixture.entry;
import static io.kvorum.actors.raft.ReplicaFixture.followerOf;
import static io.kvorum.actors.raft.ReplicaFixture.leaderOfThree;
import static io.kvorum.actors.raft.ReplicaFixture.proposal;
import static io.kvorum.actors.raft.ReplicaFixture.proposed;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.actors.raft.RaftMessage.Append;
import io.kvorum.actors.raft.RaftMessage.AppendRejected;
import io.kvorum.actors.raft.RaftMessage.Appended;
import io.kvorum.actors.raft.RaftMessage.Forward;
import io.kvorum.actors.raft.RaftMessage.Heartbeat;
import io.kvorum.actors.raft.RaftMessage.HeartbeatResponse;
import io.kvorum.actors.raft.RaftMessage.ReadIndexRequest;
import io.kvorum.actors.raft.RaftMessage.ReadIndexResponse;
import io.kvorum.actors.raft.RaftMessage.TimeoutNow;
import io.kvorum.actors.raft.RaftMessage.VoteResponse;
import io.kvorum.actors.raft.RecordingPorts.Applied;
import io.kvorum.actors.raft.RecordingPorts.Committed;
import io.kvorum.actors.raft.RecordingPorts.Leads;
import io.kvorum.actors.raft.RecordingPorts.ReadAt;
import io.kvorum.actors.raft.RecordingPorts.Refused;
import io.kvorum.actors.raft.RecordingPorts.Sent;
import io.kvorum.actors.raft.RecordingPorts.Write;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.progress.Progress;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** A leader: one message, with its exact effects. Sections are of Ongaro's thesis. */
final class LeaderStepTest {
  @Test
  void aLeaderSendsWhileItWritesAndCommitsWithAQuorum() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    var entry =
        new io.kvorum.actors.raft.log.Entry(2, 1, proposal(9).kind(), proposal(9).payload());
    assertEquals(
        List.of(
            new Sent(TWO, new Append(1, new LogPosition(1, 1), List.of(entry), 1)),
            new Write(new HardState(1, SELF), List.of(entry), List.of())),
        leader.run(new ReplicaMessage.Propose(proposal(9))));
    assertTrue(leader.persisted(new HardState(1, SELF), entry.position()).isEmpty());
    List<RecordingPorts.Effect> effects = leader.from(TWO, new Appended(1, 2));
    assertEquals(List.of(new Committed(2), new Applied(List.of(entry))), effects.subList(0, 2));
  }

  @Test
  void anEntryOfAnOlderTermIsCommittedOnlyThroughOneOfTheOwn() {
    ReplicaFixture leader = new ReplicaFixture(3, new HardState(1, MemberId.NONE), 1);
    leader.timeOut();
    leader.from(TWO, new VoteResponse(2, true, true));
    leader.persisted(new HardState(2, SELF), new LogPosition(1, 1));
    leader.from(TWO, new VoteResponse(2, true, false));
    assertTrue(
        leader.from(TWO, new Appended(2, 1)).stream().noneMatch(e -> e instanceof Committed));
    leader.persisted(new HardState(2, SELF), new LogPosition(2, 2));
    assertEquals(new Committed(2), leader.from(TWO, new Appended(2, 2)).getFirst());
  }

  @Test
  void aReadIsAnsweredWhenAQuorumConfirmsTheRound() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    assertEquals(
        List.of(new Sent(TWO, new Heartbeat(1, 1, 1)), new Sent(THREE, new Heartbeat(1, 0, 1))),
        leader.run(new ReplicaMessage.ReadIndex(40)));
    assertEquals(List.of(), leader.run(new ReplicaMessage.ReadIndex(41)));
    List<RecordingPorts.Effect> confirmed = leader.from(TWO, new HeartbeatResponse(1, 1));
    assertEquals(new ReadAt(40, 1), confirmed.getFirst());
    assertTrue(confirmed.contains(new Sent(TWO, new Heartbeat(1, 1, 2))));
    assertTrue(leader.from(TWO, new HeartbeatResponse(1, 2)).contains(new ReadAt(41, 1)));
  }

  @Test
  void aLeaderThatHearsNoQuorumStepsDown() {
    ReplicaFixture leader = leaderOfThree();
    boolean steppedDown = false;
    for (int i = 0; i < 2 * ReplicaFixture.ELECTION_TICKS && !steppedDown; i++) {
      steppedDown = leader.run(new ReplicaMessage.Tick()).contains(new Leads(MemberId.NONE, 1));
    }
    assertTrue(steppedDown);
  }

  @Test
  void aReadRoundThatWasLostIsRepeatedWithTheNextHeartbeat() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    leader.run(new ReplicaMessage.ReadIndex(40));
    assertTrue(
        leader.run(new ReplicaMessage.Tick()).contains(new Sent(TWO, new Heartbeat(1, 1, 1))));
  }

  @Test
  void aReadThatCameAfterARoundBeganIsNotAnsweredByIt() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    leader.run(new ReplicaMessage.ReadIndex(40));
    leader.from(TWO, new HeartbeatResponse(1, 1));
    leader.run(new ReplicaMessage.ReadIndex(41));
    assertEquals(List.of(), leader.from(THREE, new HeartbeatResponse(1, 1)));
  }

  /** 6.4: until then it does not know what its predecessors committed. */
  @Test
  void noReadIsAnsweredBeforeAnEntryOfTheTermIsCommitted() {
    ReplicaFixture leader = leaderOfThree();
    assertEquals(List.of(), leader.run(new ReplicaMessage.ReadIndex(40)));
    assertTrue(
        leader.from(TWO, new Appended(1, 1)).contains(new Sent(TWO, new Heartbeat(1, 1, 1))));
  }

  @Test
  void aFollowersReadIsAnsweredToTheFollower() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    leader.from(THREE, new ReadIndexRequest(1, 7));
    assertEquals(
        new Sent(THREE, new ReadIndexResponse(1, 7, 1)),
        leader.from(TWO, new HeartbeatResponse(1, 1)).getFirst());
  }

  @Test
  void theOthersAreToldOfACommitAtOnce() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    leader.from(THREE, new Appended(1, 1));
    leader.run(new ReplicaMessage.Propose(proposal(9)));
    leader.persisted(new HardState(1, SELF), new LogPosition(2, 1));
    var notice = new RaftMessage.Committed(1, new LogPosition(2, 1));
    List<RecordingPorts.Effect> effects = leader.from(TWO, new Appended(1, 2));
    assertTrue(
        effects.containsAll(List.of(new Sent(TWO, notice), new Sent(THREE, notice))),
        effects::toString);
  }

  @Test
  void aLostLastAppendIsAskedForWithoutNewEntries() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    leader.run(new ReplicaMessage.Propose(proposal(9)));
    leader.run(new ReplicaMessage.Tick());
    var ask = new Append(1, new LogPosition(2, 1), List.of(), 1);
    assertTrue(leader.run(new ReplicaMessage.Tick()).contains(new Sent(TWO, ask)));
    assertEquals(
        List.of(new Sent(TWO, new Append(1, new LogPosition(1, 1), List.of(proposed(2, 1, 9)), 1))),
        leader.from(TWO, new AppendRejected(1, 2, new LogPosition(1, 1))));
  }

  @Test
  void aLostConnectionIsProbedFromWhatIsKnown() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    leader.run(new ReplicaMessage.Propose(proposal(9)));
    leader.run(new ReplicaMessage.PeerUnreachable(TWO));
    var again = new Append(1, new LogPosition(1, 1), List.of(proposed(2, 1, 9)), 1);
    assertTrue(leader.run(new ReplicaMessage.Tick()).contains(new Sent(TWO, again)));
  }

  @Test
  void tooManyUncommittedBytesAreRefusedAlsoToAForwarder() {
    ReplicaFixture leader = leaderOfThree(ReplicaFixture.bounds(Entry.OVERHEAD_BYTES, 0, 0, 0));
    leader.run(new ReplicaMessage.Propose(proposal(9)));
    var error = EtcdError.REQUEST_TOO_MANY_REQUESTS;
    assertEquals(
        List.of(new Refused(10, error)), leader.run(new ReplicaMessage.Propose(proposal(10))));
    assertEquals(
        List.of(new Sent(TWO, new RaftMessage.Refused(1, List.of(11L, 12L), error))),
        leader.from(TWO, new Forward(1, List.of(proposal(11), proposal(12)))));
  }

  @Test
  void whatWasGatheredGoesToTheNextLeader() {
    ReplicaFixture leader = leaderOfThree();
    leader.kit.run(new ReplicaMessage.Propose(proposal(9)));
    leader.kit.run(new ReplicaMessage.FromPeer(TWO, new Heartbeat(2, 0, 0)));
    assertTrue(leader.effects.take().contains(new Sent(TWO, new Forward(2, List.of(proposal(9))))));
  }

  @Test
  void aLeaderWhoseDiskFailsNamesASuccessor() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(THREE, new Appended(1, 1));
    assertEquals(
        List.of(new Sent(THREE, new TimeoutNow(1)), new Leads(MemberId.NONE, 1)),
        leader.run(new ReplicaMessage.StorageFailed("test")));
  }

  @Test
  void progressIsReportedByTheLeaderOnly() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    CompletableFuture<Optional<ReplicationReport>> report = new CompletableFuture<>();
    leader.run(new ReplicaMessage.ReportProgress(report));
    ReplicationReport answer = report.join().orElseThrow();
    assertEquals(1, answer.lastIndex());
    assertEquals(
        new ReplicationReport.PeerProgress(1, Progress.Mode.REPLICATE, true),
        answer.followers().get(TWO));
    CompletableFuture<Optional<ReplicationReport>> none = new CompletableFuture<>();
    followerOf(TWO, 1).run(new ReplicaMessage.ReportProgress(none));
    assertEquals(Optional.empty(), none.join());
  }
}
