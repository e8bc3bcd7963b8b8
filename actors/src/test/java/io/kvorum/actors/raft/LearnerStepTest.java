package io.kvorum.actors.raft;

import static io.kvorum.actors.raft.ReplicaFixture.ELECTION_TICKS;
import static io.kvorum.actors.raft.ReplicaFixture.SELF;
import static io.kvorum.actors.raft.ReplicaFixture.THREE;
import static io.kvorum.actors.raft.ReplicaFixture.TWO;
import static io.kvorum.actors.raft.ReplicaFixture.entry;
import static io.kvorum.actors.raft.ReplicaFixture.proposal;
import static io.kvorum.actors.raft.ReplicaFixture.to;
import static io.kvorum.actors.raft.ReplicaFixture.voters;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.actors.raft.RaftMessage.Append;
import io.kvorum.actors.raft.RaftMessage.Appended;
import io.kvorum.actors.raft.RaftMessage.Forward;
import io.kvorum.actors.raft.RaftMessage.Heartbeat;
import io.kvorum.actors.raft.RaftMessage.ReadIndexRequest;
import io.kvorum.actors.raft.RaftMessage.TimeoutNow;
import io.kvorum.actors.raft.RaftMessage.VoteRequest;
import io.kvorum.actors.raft.RaftMessage.VoteResponse;
import io.kvorum.actors.raft.RecordingPorts.Leads;
import io.kvorum.actors.raft.RecordingPorts.Sent;
import io.kvorum.actors.raft.RecordingPorts.Write;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A learner (thesis 4.2.1): takes the log, forwards what its clients want, and never campaigns. */
final class LearnerStepTest {
  private final ReplicaFixture learner =
      new ReplicaFixture(
          ReplicaFixture.SETTINGS,
          Configuration.of(List.of(TWO, THREE), List.of(SELF)),
          new HardState(1, MemberId.NONE),
          new RaftLog(LogPosition.ZERO, List.of(), 0));

  @Test
  void takesEntriesLikeAFollower() {
    assertEquals(
        List.of(
            new Leads(TWO, 1),
            new Write(
                new HardState(1, MemberId.NONE),
                List.of(entry(1, 1)),
                List.of(to(TWO, new Appended(1, 1))))),
        learner.from(TWO, new Append(1, LogPosition.ZERO, List.of(entry(1, 1)), 0)));
  }

  @Test
  void forwardsProposalsAndReads() {
    learner.from(TWO, new Heartbeat(1, 0, 0));
    assertEquals(
        List.of(new Sent(TWO, new Forward(1, List.of(proposal(3))))),
        learner.run(new ReplicaMessage.Propose(proposal(3))));
    assertEquals(
        List.of(new Sent(TWO, new ReadIndexRequest(1, 4))),
        learner.run(new ReplicaMessage.ReadIndex(4)));
  }

  @Test
  void forgetsALeaderThatIsSilentAndDoesNotCampaign() {
    learner.from(TWO, new Heartbeat(1, 0, 0));
    assertEquals(List.of(new Leads(MemberId.NONE, 1)), learner.ticks(5 * ELECTION_TICKS));
    assertEquals(List.of(), learner.from(TWO, new TimeoutNow(1)));
  }

  /** The candidate may know of a promotion that has not arrived here. */
  @Test
  void votesWhenAsked() {
    assertEquals(
        List.of(
            new Write(
                new HardState(2, TWO),
                List.of(),
                List.of(to(TWO, new VoteResponse(2, true, false))))),
        learner.from(TWO, new VoteRequest(2, LogPosition.ZERO, false, false)));
  }

  @Test
  void followsOnceItsPromotionIsApplied() {
    learner.from(TWO, new Heartbeat(1, 0, 0));
    learner.run(new ReplicaMessage.ConfigurationApplied(voters(3), 1));
    assertTrue(
        learner
            .timeOut()
            .contains(new Sent(TWO, new VoteRequest(2, LogPosition.ZERO, true, false))));
  }
}
