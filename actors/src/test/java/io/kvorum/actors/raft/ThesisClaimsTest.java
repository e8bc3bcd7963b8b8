package io.kvorum.actors.raft;

import static io.kvorum.actors.raft.ReplicaFixture.SELF;
import static io.kvorum.actors.raft.ReplicaFixture.THREE;
import static io.kvorum.actors.raft.ReplicaFixture.TWO;
import static io.kvorum.actors.raft.ReplicaFixture.entry;
import static io.kvorum.actors.raft.ReplicaFixture.leaderOfThree;
import static io.kvorum.actors.raft.ReplicaFixture.proposal;
import static io.kvorum.actors.raft.ReplicaFixture.proposed;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.actors.raft.RaftMessage.Append;
import io.kvorum.actors.raft.RaftMessage.AppendRejected;
import io.kvorum.actors.raft.RaftMessage.Appended;
import io.kvorum.actors.raft.RaftMessage.Heartbeat;
import io.kvorum.actors.raft.RaftMessage.VoteRequest;
import io.kvorum.actors.raft.RaftMessage.VoteResponse;
import io.kvorum.actors.raft.RecordingPorts.Applied;
import io.kvorum.actors.raft.RecordingPorts.Sent;
import io.kvorum.actors.raft.RecordingPorts.Write;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The claims of the thesis's figure 3.2, each as the rule of one role that upholds it. {@link
 * RandomScheduleTest} checks the same claims over whole histories.
 */
final class ThesisClaimsTest {
  @Test
  void electionSafetyAMemberVotesOncePerTermAlsoAcrossARestart() {
    ReplicaFixture restarted = new ReplicaFixture(3, new HardState(4, TWO));
    assertEquals(
        List.of(new Sent(THREE, new VoteResponse(4, false, false))),
        restarted.from(THREE, new VoteRequest(4, new LogPosition(9, 3), false, false)));
    assertEquals(
        List.of(new Sent(TWO, new VoteResponse(4, true, false))),
        restarted.from(TWO, new VoteRequest(4, new LogPosition(9, 3), false, false)));
  }

  @Test
  void leaderAppendOnlyALeaderTakesNoEntriesInItsTerm() {
    ReplicaFixture leader = leaderOfThree();
    assertThrows(
        IllegalStateException.class,
        () -> leader.from(TWO, new Append(1, LogPosition.ZERO, List.of(entry(1, 1)), 0)));
  }

  @Test
  void logMatchingEntriesAreTakenOnlyBehindOneThatAgreesInIndexAndTerm() {
    ReplicaFixture follower = new ReplicaFixture(3, new HardState(3, MemberId.NONE), 1, 2);
    follower.from(TWO, new Heartbeat(3, 0, 0));
    assertEquals(
        List.of(new Sent(TWO, new AppendRejected(3, 2, new LogPosition(1, 1)))),
        follower.from(TWO, new Append(3, new LogPosition(2, 1), List.of(entry(3, 3)), 2)));
  }

  @Test
  void leaderCompletenessNoVoteForALogThatLacksWhatMayBeCommitted() {
    ReplicaFixture voter = new ReplicaFixture(3, new HardState(2, MemberId.NONE), 1, 2);
    assertTrue(
        voter.from(TWO, new VoteRequest(3, new LogPosition(7, 1), false, false)).stream()
            .noneMatch(e -> e instanceof Write w && w.hardState().vote().equals(TWO)));
  }

  @Test
  void stateMachineSafetyNothingIsAppliedThatAQuorumDoesNotHaveOnDisk() {
    ReplicaFixture leader = leaderOfThree();
    leader.from(TWO, new Appended(1, 1));
    leader.run(new ReplicaMessage.Propose(proposal(9)));
    assertEquals(List.of(), leader.persisted(new HardState(1, SELF), new LogPosition(2, 1)));
    assertTrue(
        leader.from(TWO, new Appended(1, 2)).contains(new Applied(List.of(proposed(2, 1, 9)))));
  }
}
