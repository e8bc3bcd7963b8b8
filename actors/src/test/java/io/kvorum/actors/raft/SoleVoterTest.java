package io.kvorum.actors.raft;

import static io.kvorum.actors.raft.ReplicaFixture.SELF;
import static io.kvorum.actors.raft.ReplicaFixture.proposal;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.RecordingPorts.Applied;
import io.kvorum.actors.raft.RecordingPorts.Committed;
import io.kvorum.actors.raft.RecordingPorts.Leads;
import io.kvorum.actors.raft.RecordingPorts.ReadAt;
import io.kvorum.actors.raft.RecordingPorts.Refused;
import io.kvorum.actors.raft.RecordingPorts.Write;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A group of one, step by step with exact effects. */
final class SoleVoterTest {
  private final ReplicaFixture replica = new ReplicaFixture(1, HardState.INITIAL);
  private static final HardState VOTED = new HardState(1, SELF);
  private static final Entry FIRST = new Entry(1, 1, EntryKind.EMPTY, ByteString.EMPTY);

  @Test
  void electsItselfWithoutWaitingAndLeadsOnlyWhenItsVoteIsOnDisk() {
    assertEquals(
        List.of(new Write(VOTED, List.of(), List.of())), replica.run(new ReplicaMessage.Start()));
    assertEquals(
        List.of(new Leads(SELF, 1), new Write(VOTED, List.of(FIRST), List.of())),
        replica.persisted(VOTED, LogPosition.ZERO));
    assertEquals(
        List.of(new Committed(1), new Applied(List.of(FIRST))),
        replica.persisted(VOTED, FIRST.position()));
  }

  @Test
  void gathersWhatIsInTheMailboxIntoOneWriteAndCommitsWhenItIsOnDisk() {
    lead();
    replica.kit.run(new ReplicaMessage.Propose(proposal(7)));
    replica.kit.run(new ReplicaMessage.Propose(proposal(8)));
    assertEquals(List.of(), replica.effects.take());
    Entry seven = new Entry(2, 1, EntryKind.COMMAND, proposal(7).payload());
    Entry eight = new Entry(3, 1, EntryKind.COMMAND, proposal(8).payload());
    assertEquals(
        List.of(new Write(VOTED, List.of(seven, eight), List.of())),
        replica.run(replica.kit.selfInbox().receiveMessage()));
    assertEquals(
        List.of(new Committed(3), new Applied(List.of(seven, eight))),
        replica.persisted(VOTED, eight.position()));
  }

  @Test
  void readsWaitForAnEntryOfTheTermToBeCommitted() {
    replica.run(new ReplicaMessage.Start());
    replica.persisted(VOTED, LogPosition.ZERO);
    assertEquals(List.of(), replica.run(new ReplicaMessage.ReadIndex(5)));
    assertEquals(
        List.of(new Committed(1), new Applied(List.of(FIRST)), new ReadAt(5, 1)),
        replica.persisted(VOTED, FIRST.position()));
    assertEquals(List.of(new ReadAt(6, 1)), replica.run(new ReplicaMessage.ReadIndex(6)));
  }

  @Test
  void whileTheDiskFailsWritesAreRefusedAndReadsAnswered() {
    lead();
    replica.run(new ReplicaMessage.Propose(proposal(7)));
    replica.run(new ReplicaMessage.StorageFailed("no space left on device"));
    assertEquals(
        List.of(new Refused(8, EtcdError.NO_SPACE)),
        replica.run(new ReplicaMessage.Propose(proposal(8))));
    assertEquals(List.of(new ReadAt(9, 1)), replica.run(new ReplicaMessage.ReadIndex(9)));
  }

  @Test
  void whatNeverReachedTheDiskIsRefusedAndAnEmptyEntryTriesTheDisk() {
    lead();
    replica.run(new ReplicaMessage.Propose(proposal(7)));
    replica.run(new ReplicaMessage.StorageFailed("no space left on device"));
    Entry trial = new Entry(2, 1, EntryKind.EMPTY, ByteString.EMPTY);
    assertEquals(
        List.of(new Refused(7, EtcdError.NO_SPACE), new Write(VOTED, List.of(trial), List.of())),
        replica.run(new ReplicaMessage.StorageRecovered(FIRST.position())));
    assertEquals(
        List.of(new Refused(8, EtcdError.NO_SPACE)),
        replica.run(new ReplicaMessage.Propose(proposal(8))));
    assertEquals(
        List.of(new Committed(2), new Applied(List.of(trial))),
        replica.persisted(VOTED, trial.position()));
    assertEquals(1, replica.run(new ReplicaMessage.Propose(proposal(9))).size());
  }

  @Test
  void whatDidReachTheDiskAlthoughTheWriteFailedIsKept() {
    lead();
    replica.run(new ReplicaMessage.Propose(proposal(7)));
    replica.run(new ReplicaMessage.StorageFailed("input/output error"));
    Entry seven = new Entry(2, 1, EntryKind.COMMAND, proposal(7).payload());
    Entry trial = new Entry(3, 1, EntryKind.EMPTY, ByteString.EMPTY);
    replica.run(new ReplicaMessage.StorageRecovered(seven.position()));
    assertEquals(
        List.of(new Committed(3), new Applied(List.of(seven, trial))),
        replica.persisted(VOTED, trial.position()));
  }

  private void lead() {
    replica.run(new ReplicaMessage.Start());
    replica.persisted(VOTED, LogPosition.ZERO);
    replica.persisted(VOTED, FIRST.position());
  }
}
