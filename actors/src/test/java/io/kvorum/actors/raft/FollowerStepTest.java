package io.kvorum.actors.raft;

import static io.kvorum.actors.raft.ReplicaFixture.THREE;
import static io.kvorum.actors.raft.ReplicaFixture.TWO;
import static io.kvorum.actors.raft.ReplicaFixture.entry;
import static io.kvorum.actors.raft.ReplicaFixture.followerOf;
import static io.kvorum.actors.raft.ReplicaFixture.proposal;
import static io.kvorum.actors.raft.ReplicaFixture.to;
import static io.kvorum.actors.raft.ReplicaFixture.voters;
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
import io.kvorum.actors.raft.RecordingPorts.Applied;
import io.kvorum.actors.raft.RecordingPorts.Committed;
import io.kvorum.actors.raft.RecordingPorts.Leads;
import io.kvorum.actors.raft.RecordingPorts.ReadAt;
import io.kvorum.actors.raft.RecordingPorts.Refused;
import io.kvorum.actors.raft.RecordingPorts.Sent;
import io.kvorum.actors.raft.RecordingPorts.Write;
import io.kvorum.actors.raft.log.RaftLog;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A follower: one message, with its exact effects. */
final class FollowerStepTest {
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

  /** Two writes that the log joins into one record are answered once. */
  @Test
  void nothingIsWrittenForAnAnswerWhenEverythingIsOnDisk() {
    ReplicaFixture replica = new ReplicaFixture(3, HardState.INITIAL);
    replica.from(TWO, new Append(1, LogPosition.ZERO, List.of(entry(1, 1)), 0));
    replica.from(TWO, new Append(1, new LogPosition(1, 1), List.of(entry(2, 1)), 0));
    replica.persisted(new HardState(1, MemberId.NONE), new LogPosition(2, 1));
    assertEquals(
        List.of(new Sent(TWO, new Appended(1, 2))),
        replica.from(TWO, new Append(1, new LogPosition(2, 1), List.of(), 0)));
  }

  @Test
  void whatIsOnDiskIsAcknowledgedWhileMoreIsBeingWritten() {
    ReplicaFixture replica = new ReplicaFixture(3, new HardState(1, MemberId.NONE), 1);
    replica.from(TWO, new Append(1, new LogPosition(1, 1), List.of(entry(2, 1)), 0));
    assertEquals(
        List.of(new Sent(TWO, new Appended(1, 1))),
        replica.from(TWO, new Append(1, new LogPosition(1, 1), List.of(), 0)));
    assertEquals(
        List.of(
            new Write(
                new HardState(1, MemberId.NONE), List.of(), List.of(to(TWO, new Appended(1, 2))))),
        replica.from(TWO, new Append(1, new LogPosition(2, 1), List.of(), 0)));
  }

  @Test
  void aNoticeOfWhatIsCommittedIsBelievedIfTheEntryIsHere() {
    ReplicaFixture replica = new ReplicaFixture(3, new HardState(3, MemberId.NONE), 1, 1);
    replica.from(TWO, new Heartbeat(3, 0, 0));
    assertEquals(List.of(), replica.from(TWO, new RaftMessage.Committed(3, new LogPosition(2, 3))));
    assertEquals(List.of(), replica.from(TWO, new RaftMessage.Committed(3, new LogPosition(3, 3))));
    assertEquals(
        List.of(new Committed(2), new Applied(List.of(entry(1, 1), entry(2, 1)))),
        replica.from(TWO, new RaftMessage.Committed(3, new LogPosition(2, 1))));
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
  void aFollowerForwardsAndHoldsWhileThereIsNoLeader() {
    ReplicaFixture replica = new ReplicaFixture(3, new HardState(1, MemberId.NONE));
    assertEquals(List.of(), replica.run(new ReplicaMessage.Propose(proposal(3))));
    List<RecordingPorts.Effect> heard = replica.from(TWO, new Heartbeat(1, 0, 0));
    assertTrue(heard.contains(new Sent(TWO, new Forward(1, List.of(proposal(3))))));
    assertEquals(
        List.of(new Sent(TWO, new Forward(1, List.of(proposal(4))))),
        replica.run(new ReplicaMessage.Propose(proposal(4))));
  }

  @Test
  void whatIsProposedTogetherIsForwardedTogether() {
    ReplicaFixture replica = followerOf(TWO, 1);
    replica.kit.run(new ReplicaMessage.Propose(proposal(3)));
    replica.kit.run(new ReplicaMessage.Propose(proposal(4)));
    assertEquals(
        List.of(new Sent(TWO, new Forward(1, List.of(proposal(3), proposal(4))))),
        replica.run(replica.kit.selfInbox().receiveMessage()));
  }

  @Test
  void aForwardedProposalOutlivesTheTermItWasSentIn() {
    ReplicaFixture replica = followerOf(TWO, 5);
    assertEquals(
        List.of(new Sent(TWO, new Forward(5, List.of(proposal(3))))),
        replica.from(THREE, new Forward(4, List.of(proposal(3)))));
  }

  @Test
  void whatTheLeaderRefusesIsRefusedToTheCaller() {
    ReplicaFixture replica = followerOf(TWO, 1);
    var error = EtcdError.REQUEST_TOO_MANY_REQUESTS;
    assertEquals(
        List.of(new Refused(3, error), new Refused(4, error)),
        replica.from(TWO, new RaftMessage.Refused(1, List.of(3L, 4L), error)));
  }

  @Test
  void aProposalHeldLongerThanItsCallerWaitsIsForgotten() {
    ReplicaFixture replica =
        new ReplicaFixture(
            ReplicaFixture.SETTINGS.withRequestTimeoutTicks(5),
            voters(3),
            new HardState(1, MemberId.NONE),
            new RaftLog(LogPosition.ZERO, List.of(), 0));
    replica.run(new ReplicaMessage.Propose(proposal(3)));
    replica.ticks(5);
    assertEquals(
        List.of(new Leads(TWO, 1), new Sent(TWO, new HeartbeatResponse(1, 0))),
        replica.from(TWO, new Heartbeat(1, 0, 0)));
  }

  @Test
  void whileItsDiskFailsItTakesNoEntriesAndAnswersHeartbeats() {
    ReplicaFixture replica = followerOf(TWO, 1);
    replica.run(new ReplicaMessage.StorageFailed("test"));
    assertEquals(
        List.of(), replica.from(TWO, new Append(1, LogPosition.ZERO, List.of(entry(1, 1)), 0)));
    assertEquals(
        List.of(new Sent(TWO, new HeartbeatResponse(1, 4))),
        replica.from(TWO, new Heartbeat(1, 0, 4)));
    replica.run(new ReplicaMessage.StorageRecovered(LogPosition.ZERO));
    replica.persisted(new HardState(1, MemberId.NONE), LogPosition.ZERO);
    assertEquals(
        List.of(
            new Write(
                new HardState(1, MemberId.NONE),
                List.of(entry(1, 1)),
                List.of(to(TWO, new Appended(1, 1))))),
        replica.from(TWO, new Append(1, LogPosition.ZERO, List.of(entry(1, 1)), 0)));
  }

  @Test
  void aReadIsAskedOfTheLeaderAndItsAnswerIsPassedOn() {
    ReplicaFixture replica = followerOf(TWO, 1);
    assertEquals(
        List.of(new Sent(TWO, new ReadIndexRequest(1, 40))),
        replica.run(new ReplicaMessage.ReadIndex(40)));
    assertEquals(List.of(new ReadAt(40, 7)), replica.from(TWO, new ReadIndexResponse(1, 40, 7)));
  }

  @Test
  void aReadWithoutALeaderIsNotAnswered() {
    ReplicaFixture replica = new ReplicaFixture(3, new HardState(1, MemberId.NONE));
    assertEquals(List.of(), replica.run(new ReplicaMessage.ReadIndex(40)));
  }
}
