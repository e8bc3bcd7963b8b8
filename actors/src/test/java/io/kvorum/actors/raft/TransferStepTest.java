package io.kvorum.actors.raft;

import static io.kvorum.actors.raft.ReplicaFixture.ELECTION_TICKS;
import static io.kvorum.actors.raft.ReplicaFixture.SELF;
import static io.kvorum.actors.raft.ReplicaFixture.THREE;
import static io.kvorum.actors.raft.ReplicaFixture.TWO;
import static io.kvorum.actors.raft.ReplicaFixture.followerOf;
import static io.kvorum.actors.raft.ReplicaFixture.leaderOfThree;
import static io.kvorum.actors.raft.ReplicaFixture.proposal;
import static io.kvorum.actors.raft.ReplicaFixture.proposed;
import static io.kvorum.actors.raft.ReplicaFixture.to;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.actors.raft.RaftMessage.Appended;
import io.kvorum.actors.raft.RaftMessage.Forward;
import io.kvorum.actors.raft.RaftMessage.Heartbeat;
import io.kvorum.actors.raft.RaftMessage.TimeoutNow;
import io.kvorum.actors.raft.RaftMessage.VoteRequest;
import io.kvorum.actors.raft.RecordingPorts.Leads;
import io.kvorum.actors.raft.RecordingPorts.Sent;
import io.kvorum.actors.raft.RecordingPorts.Write;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Leader transfer (thesis 3.10), step by step. */
final class TransferStepTest {
  @Test
  void aVoterThatIsLevelIsAskedAtOnce() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    assertEquals(
        List.of(new Sent(TWO, new TimeoutNow(1))),
        leader.run(new ReplicaMessage.TransferLeadership(TWO)));
  }

  @Test
  void oneThatIsBehindIsAskedWhenItHasCaughtUp() {
    ReplicaFixture leader = leaderOfThree();
    assertEquals(List.of(), leader.run(new ReplicaMessage.TransferLeadership(TWO)));
    assertTrue(leader.from(TWO, new Appended(1, 1)).contains(new Sent(TWO, new TimeoutNow(1))));
  }

  @Test
  void onlyToAnotherVoter() {
    ReplicaFixture leader = leaderOfThree();
    assertEquals(List.of(), leader.run(new ReplicaMessage.TransferLeadership(SELF)));
    assertEquals(List.of(), leader.run(new ReplicaMessage.TransferLeadership(new MemberId(9))));
    assertEquals(List.of(), followerOf(TWO, 1).run(new ReplicaMessage.TransferLeadership(THREE)));
  }

  @Test
  void theSuccessorStandsWithoutAskingFirstAndRaisesTheTermByOne() {
    ReplicaFixture replica = followerOf(TWO, 4);
    var request = new VoteRequest(5, LogPosition.ZERO, false, true);
    assertEquals(
        List.of(
            new Leads(MemberId.NONE, 5),
            new Write(
                new HardState(5, SELF), List.of(), List.of(to(TWO, request), to(THREE, request)))),
        replica.from(TWO, new TimeoutNow(4)));
    assertEquals(List.of(), replica.from(TWO, new TimeoutNow(4)), "one asked twice stands once");
  }

  @Test
  void whatIsProposedMeanwhileGoesToTheSuccessor() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    leader.run(new ReplicaMessage.TransferLeadership(TWO));
    assertEquals(List.of(), leader.run(new ReplicaMessage.Propose(proposal(9))));
    leader.from(TWO, new VoteRequest(2, new LogPosition(1, 1), false, true));
    assertTrue(
        leader
            .from(TWO, new Heartbeat(2, 1, 0))
            .contains(new Sent(TWO, new Forward(2, List.of(proposal(9))))));
  }

  @Test
  void itIsGivenUpAfterAnElectionTimeoutAndWhatWasHeldIsAppended() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    leader.run(new ReplicaMessage.TransferLeadership(THREE));
    leader.run(new ReplicaMessage.Propose(proposal(9)));
    leader.ticks(ELECTION_TICKS - 1);
    assertTrue(
        leader
            .run(new ReplicaMessage.Tick())
            .contains(new Write(new HardState(1, SELF), List.of(proposed(2, 1, 9)), List.of())));
  }
}
