package io.kvorum.actors.raft;

import static io.kvorum.actors.raft.ReplicaFixture.SELF;
import static io.kvorum.actors.raft.ReplicaFixture.THREE;
import static io.kvorum.actors.raft.ReplicaFixture.TWO;
import static io.kvorum.actors.raft.ReplicaFixture.entry;
import static io.kvorum.actors.raft.ReplicaFixture.leaderOfThree;
import static io.kvorum.actors.raft.ReplicaFixture.proposal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.actors.raft.RaftMessage.Append;
import io.kvorum.actors.raft.RaftMessage.AppendRejected;
import io.kvorum.actors.raft.RaftMessage.Appended;
import io.kvorum.actors.raft.RaftMessage.Forward;
import io.kvorum.actors.raft.RaftMessage.Heartbeat;
import io.kvorum.actors.raft.RaftMessage.HeartbeatResponse;
import io.kvorum.actors.raft.RaftMessage.VoteRequest;
import io.kvorum.actors.raft.RaftMessage.VoteResponse;
import io.kvorum.actors.raft.RecordingPorts.Applied;
import io.kvorum.actors.raft.RecordingPorts.Committed;
import io.kvorum.actors.raft.RecordingPorts.Leads;
import io.kvorum.actors.raft.RecordingPorts.ReadAt;
import io.kvorum.actors.raft.RecordingPorts.Sent;
import io.kvorum.actors.raft.RecordingPorts.Write;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.List;
import org.junit.jupiter.api.Test;

/** One message to one of three members, with its exact effects. Sections are of Ongaro's thesis. */
final class RoleStepTest {
  private static Ports.Envelope to(MemberId member, RaftMessage message) {
    return new Ports.Envelope(member, message);
  }

  @Test
  void aFollowerThatHearsNothingAsksForPreVotesWithoutRaisingItsTerm() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL);
    var request = new VoteRequest(1, LogPosition.ZERO, true, false);
    assertEquals(List.of(new Sent(TWO, request), new Sent(THREE, request)), replica.timeOut());
  }

  @Test
  void aPreCandidateWithAQuorumStandsAndItsVoteIsWrittenBeforeItAsks() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL);
    replica.timeOut();
    var request = new VoteRequest(1, LogPosition.ZERO, false, false);
    assertEquals(
        List.of(
            new Write(
                new HardState(1, SELF), List.of(), List.of(to(TWO, request), to(THREE, request)))),
        replica.from(TWO, new VoteResponse(1, true, true)));
  }

  @Test
  void aVoteIsGivenOncePerTermAndAnsweredOnlyWhenOnDisk() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL);
    assertEquals(
        List.of(
            new Write(
                new HardState(1, TWO),
                List.of(),
                List.of(to(TWO, new VoteResponse(1, true, false))))),
        replica.from(TWO, new VoteRequest(1, LogPosition.ZERO, false, false)));
    replica.persisted(new HardState(1, TWO), LogPosition.ZERO);
    assertEquals(
        List.of(new Sent(THREE, new VoteResponse(1, false, false))),
        replica.from(THREE, new VoteRequest(1, LogPosition.ZERO, false, false)));
  }

  @Test
  void noVoteForALogThatIsBehind() {
    ReplicaFixture replica = new ReplicaFixture(3, new HardState(2, MemberId.NONE), 1, 2);
    assertEquals(
        List.of(
            new Write(
                new HardState(3, MemberId.NONE),
                List.of(),
                List.of(to(TWO, new VoteResponse(3, false, false))))),
        replica.from(TWO, new VoteRequest(3, new LogPosition(5, 1), false, false)));
  }

  @Test
  void aFollowerThatHearsItsLeaderIgnoresCandidates() {
    ReplicaFixture replica = new ReplicaFixture(3, new HardState(1, MemberId.NONE));
    replica.from(TWO, new Heartbeat(1, 0, 0));
    assertEquals(
        List.of(), replica.from(THREE, new VoteRequest(2, LogPosition.ZERO, false, false)));
    assertEquals(List.of(), replica.from(THREE, new VoteRequest(2, LogPosition.ZERO, true, false)));
  }

  @Test
  void aFollowerTakesEntriesAndAcknowledgesThemWhenTheyAreOnDisk() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL);
    var acknowledgement = to(TWO, new Appended(1, 2));
    assertEquals(
        List.of(
            new Leads(TWO, 1),
            new Committed(1),
            new Write(
                new HardState(1, MemberId.NONE),
                List.of(entry(1, 1), entry(2, 1)),
                List.of(acknowledgement))),
        replica.from(TWO, new Append(1, LogPosition.ZERO, List.of(entry(1, 1), entry(2, 1)), 1)));
    assertEquals(
        List.of(new Sent(TWO, new Appended(1, 2)), new Applied(List.of(entry(1, 1)))),
        replica.run(
            new ReplicaMessage.Persisted(
                new HardState(1, MemberId.NONE), new LogPosition(2, 1), List.of(acknowledgement))));
  }

  @Test
  void aFollowerReplacesWhatConflicts() {
    ReplicaFixture replica = new ReplicaFixture(3, new HardState(2, MemberId.NONE), 1, 1, 2);
    assertEquals(
        List.of(
            new Leads(TWO, 3),
            new Write(
                new HardState(3, MemberId.NONE),
                List.of(entry(2, 3)),
                List.of(to(TWO, new Appended(3, 2))))),
        replica.from(TWO, new Append(3, new LogPosition(1, 1), List.of(entry(2, 3)), 0)));
  }

  @Test
  void aFollowerRefusesWhatDoesNotFitWithTheTermWhereItMayAgree() {
    ReplicaFixture replica = new ReplicaFixture(3, new HardState(5, MemberId.NONE), 1, 1, 3, 3);
    replica.from(TWO, new Heartbeat(5, 0, 0));
    assertEquals(
        List.of(new Sent(TWO, new AppendRejected(5, 4, new LogPosition(2, 1)))),
        replica.from(TWO, new Append(5, new LogPosition(4, 2), List.of(entry(5, 5)), 0)));
  }

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
  void aFollowerForwardsAndHoldsWhileThereIsNoLeader() {
    ReplicaFixture replica = new ReplicaFixture(3, new HardState(1, MemberId.NONE));
    assertEquals(List.of(), replica.run(new ReplicaMessage.Propose(proposal(3))));
    List<RecordingPorts.Effect> heard = replica.from(TWO, new Heartbeat(1, 0, 0));
    assertTrue(heard.contains(new Sent(TWO, new Forward(1, List.of(proposal(3))))));
    assertEquals(
        List.of(new Sent(TWO, new Forward(1, List.of(proposal(4))))),
        replica.run(new ReplicaMessage.Propose(proposal(4))));
  }
}
