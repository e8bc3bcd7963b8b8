package io.kvorum.actors.raft;

import static io.kvorum.actors.raft.ReplicaFixture.ELECTION_TICKS;
import static io.kvorum.actors.raft.ReplicaFixture.SELF;
import static io.kvorum.actors.raft.ReplicaFixture.THREE;
import static io.kvorum.actors.raft.ReplicaFixture.TWO;
import static io.kvorum.actors.raft.ReplicaFixture.followerOf;
import static io.kvorum.actors.raft.ReplicaFixture.leaderOfThree;
import static io.kvorum.actors.raft.ReplicaFixture.to;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.kvorum.actors.raft.RaftMessage.Heartbeat;
import io.kvorum.actors.raft.RaftMessage.HeartbeatResponse;
import io.kvorum.actors.raft.RaftMessage.VoteRequest;
import io.kvorum.actors.raft.RaftMessage.VoteResponse;
import io.kvorum.actors.raft.RecordingPorts.Leads;
import io.kvorum.actors.raft.RecordingPorts.Sent;
import io.kvorum.actors.raft.RecordingPorts.Write;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Elections: one message to one of three members, with its exact effects. Sections are of Ongaro's
 * thesis.
 */
final class VoteStepTest {
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
  void aFollowerThatHasMoreThanOneThatAsksSoonCampaignsItself() {
    ReplicaFixture replica = new ReplicaFixture(3, new HardState(2, MemberId.NONE), 1, 2);
    assertEquals(
        List.of(new Sent(TWO, new VoteResponse(2, false, true))),
        replica.from(TWO, new VoteRequest(3, new LogPosition(5, 1), true, false)));
    var request = new VoteRequest(3, new LogPosition(2, 2), true, false);
    assertEquals(List.of(new Sent(TWO, request), new Sent(THREE, request)), replica.ticks(2));
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
  void aRefusedPreVoteWithAHigherTermIsFollowed() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL);
    replica.timeOut();
    assertEquals(
        List.of(new Write(new HardState(5, MemberId.NONE), List.of(), List.of())),
        replica.from(TWO, new VoteResponse(5, false, true)));
  }

  @Test
  void aPreVoteIsGivenWithoutChangingTheTermOrTheVote() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL);
    assertEquals(
        List.of(new Sent(TWO, new VoteResponse(1, true, true))),
        replica.from(TWO, new VoteRequest(1, LogPosition.ZERO, true, false)));
    assertEquals(
        List.of(new Sent(THREE, new VoteResponse(1, true, true))),
        replica.from(THREE, new VoteRequest(1, LogPosition.ZERO, true, false)));
  }

  @Test
  void aGrantOfAnEarlierRoundOfPreVotesCountsForNothing() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL);
    replica.timeOut();
    replica.from(TWO, new VoteResponse(1, true, true));
    replica.timeOut();
    assertEquals(List.of(), replica.from(THREE, new VoteResponse(1, true, true)));
  }

  @Test
  void whoDoesNotAnswerIsAskedAgain() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL);
    replica.timeOut();
    var request = new VoteRequest(1, LogPosition.ZERO, true, false);
    assertEquals(
        List.of(new Sent(TWO, request), new Sent(THREE, request)),
        replica.run(new ReplicaMessage.Tick()));
  }

  @Test
  void aCandidateThatHearsALeaderOfItsTermFollowsIt() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL);
    replica.timeOut();
    replica.from(TWO, new VoteResponse(1, true, true));
    assertEquals(
        List.of(new Leads(THREE, 1), new Sent(THREE, new HeartbeatResponse(1, 0))),
        replica.from(THREE, new Heartbeat(1, 0, 0)));
  }

  @Test
  void aCandidateWhoseDiskFailsAsksForNothingUntilTheDiskTakesWrites() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL);
    replica.timeOut();
    replica.from(TWO, new VoteResponse(1, true, true));
    replica.run(new ReplicaMessage.StorageFailed("test"));
    assertEquals(List.of(), replica.ticks(3 * ELECTION_TICKS));
    assertEquals(
        List.of(new Write(new HardState(1, SELF), List.of(), List.of())),
        replica.run(new ReplicaMessage.StorageRecovered(LogPosition.ZERO)));
    replica.persisted(new HardState(1, SELF), LogPosition.ZERO);
    var request = new VoteRequest(2, LogPosition.ZERO, true, false);
    assertEquals(List.of(new Sent(TWO, request), new Sent(THREE, request)), replica.timeOut());
  }

  /** Thesis 4.2.3: the disruption is wanted when the leader itself asked for it. */
  @Test
  void aTransferIsVotedForAlthoughTheLeaderIsHeard() {
    ReplicaFixture replica = followerOf(TWO, 1);
    assertEquals(
        List.of(
            new Leads(MemberId.NONE, 2),
            new Write(
                new HardState(2, THREE),
                List.of(),
                List.of(to(THREE, new VoteResponse(2, true, false))))),
        replica.from(THREE, new VoteRequest(2, LogPosition.ZERO, false, true)));
  }

  @Test
  void aLeaderOfAnOlderTermIsToldAndStepsDown() {
    ReplicaFixture ahead = new ReplicaFixture(3, new HardState(7, MemberId.NONE));
    assertEquals(
        List.of(new Sent(TWO, new HeartbeatResponse(7, 0))),
        ahead.from(TWO, new Heartbeat(5, 0, 0)));
    ReplicaFixture leader = leaderOfThree();
    assertEquals(
        List.of(
            new Leads(MemberId.NONE, 7),
            new Write(new HardState(7, MemberId.NONE), List.of(), List.of())),
        leader.from(TWO, new HeartbeatResponse(7, 0)));
  }

  @Test
  void aStartingMemberWaitsForAFewHeartbeatsOnly() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL);
    replica.run(new ReplicaMessage.Start());
    assertEquals(List.of(), replica.ticks(2));
    assertFalse(replica.ticks(ELECTION_TICKS + 1).isEmpty());
  }

  @Test
  void aStartingMemberWaitsForAnElectionTimeoutIfToldSo() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL);
    replica.run(new ReplicaMessage.Start(false));
    assertEquals(List.of(), replica.ticks(ELECTION_TICKS - 1));
    assertFalse(replica.ticks(ELECTION_TICKS + 1).isEmpty());
  }
}
