package io.kvorum.actors.raft.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.LogPosition;
import java.util.List;
import org.junit.jupiter.api.Test;

final class RaftLogTest {
  private static Entry entry(long index, long term) {
    return new Entry(index, term, EntryKind.COMMAND, ByteString.copyFromUtf8("x"));
  }

  private static RaftLog log(long... terms) {
    RaftLog log = new RaftLog(LogPosition.ZERO, List.of(), 0);
    for (int i = 0; i < terms.length; i++) {
      log.append(entry(i + 1, terms[i]));
    }
    return log;
  }

  @Test
  void deliversOnlyWhatIsCommittedAndStableAndOnlyOnce() {
    RaftLog log = log(1, 1, 1);
    log.commitTo(2);
    assertEquals(List.of(), log.deliver(1000));
    log.stableTo(new LogPosition(1, 1));
    assertEquals(List.of(entry(1, 1)), log.deliver(1000));
    log.stableTo(new LogPosition(3, 1));
    assertEquals(List.of(entry(2, 1)), log.deliver(1000));
    assertEquals(List.of(), log.deliver(1000));
  }

  @Test
  void mergeSkipsWhatIsThereAndReplacesWhatConflicts() {
    RaftLog log = log(1, 1, 2, 2);
    log.stableTo(new LogPosition(4, 2));
    assertEquals(List.of(), log.merge(List.of(entry(2, 1), entry(3, 2))));
    assertEquals(4, log.lastIndex());
    assertEquals(List.of(entry(3, 3)), log.merge(List.of(entry(2, 1), entry(3, 3))));
    assertEquals(new LogPosition(3, 3), log.last());
    assertEquals(2, log.stable());
  }

  @Test
  void aReplacedEntryIsNotStableByAnOldWrite() {
    RaftLog log = log(1, 1);
    log.merge(List.of(entry(2, 2)));
    log.stableTo(new LogPosition(2, 1));
    assertEquals(0, log.stable());
    log.stableTo(new LogPosition(2, 2));
    assertEquals(2, log.stable());
  }

  @Test
  void refusesToReplaceACommittedEntry() {
    RaftLog log = log(1, 1);
    log.commitTo(2);
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> log.merge(List.of(entry(2, 2))));
    assertTrue(String.valueOf(e.getMessage()).contains("committed entry 2"), e::getMessage);
  }

  @Test
  void compactionKeepsTheTermOfItsLastEntryAndCountsBytes() {
    RaftLog log = log(1, 1, 2);
    log.commitTo(3);
    log.stableTo(new LogPosition(3, 2));
    log.deliver(1000);
    log.compactTo(2);
    assertEquals(new LogPosition(2, 1), log.base());
    assertTrue(log.matches(new LogPosition(2, 1)));
    assertFalse(log.knows(1));
    assertEquals(entry(3, 2).sizeBytes(), log.bytes());
    assertThrows(IllegalStateException.class, () -> log.slice(2, 1000));
  }

  @Test
  void aSliceIsBoundedByBytesButNeverEmpty() {
    RaftLog log = log(1, 1, 1);
    int one = entry(1, 1).sizeBytes();
    assertEquals(1, log.slice(1, 1).size());
    assertEquals(2, log.slice(1, 2L * one).size());
    assertEquals(List.of(), log.slice(4, 1000));
  }

  @Test
  void findsWhereTermsMayAgree() {
    RaftLog log = log(1, 1, 3, 3, 5);
    assertEquals(2, log.lastIndexOfTermAtMost(5, 2));
    assertEquals(4, log.lastIndexOfTermAtMost(4, 4));
    assertEquals(0, log.lastIndexOfTermAtMost(5, 0));
  }

  @Test
  void refusesALogThatDoesNotFitWhatWasApplied() {
    assertThrows(
        IllegalStateException.class, () -> new RaftLog(LogPosition.ZERO, List.of(entry(1, 1)), 2));
    assertThrows(
        IllegalStateException.class, () -> new RaftLog(LogPosition.ZERO, List.of(entry(2, 1)), 0));
  }

  private static Entry change(long index, long term) {
    return new Entry(index, term, EntryKind.MEMBERSHIP, ByteString.EMPTY);
  }

  @Test
  void aSnapshotTakesThePlaceOfEverything() {
    RaftLog log = log(1, 1, 2);
    log.commitTo(2);
    LogPosition snapshot = new LogPosition(9, 3);
    log.restoreAt(snapshot);
    assertEquals(snapshot, log.last());
    assertEquals(9, log.delivered());
    assertEquals(0, log.bytes());
    log.append(entry(10, 3));
    assertEquals(List.of(entry(10, 3)), log.slice(10, 1000));
    assertThrows(IllegalStateException.class, () -> log.restoreAt(new LogPosition(9, 3)));
  }

  @Test
  void allButTheNewestMembershipChangeAreProvenToBeCommitted() {
    RaftLog log =
        new RaftLog(
            LogPosition.ZERO, List.of(entry(1, 1), change(2, 1), entry(3, 1), change(4, 1)), 0);
    assertEquals(2, log.provenCommitted());
    assertEquals(0, log(1, 1).provenCommitted());
  }

  @Test
  void theInitialMembersAreProvenToBeCommitted() {
    RaftLog log =
        new RaftLog(LogPosition.ZERO, List.of(change(1, 1), change(2, 1), entry(3, 2)), 0);
    assertEquals(2, log.provenCommitted());
  }

  @Test
  void membershipChangesAreForgottenWithTheirEntries() {
    RaftLog log = log(1);
    log.append(change(2, 1));
    assertEquals(2, log.lastMembershipIndex());
    assertTrue(log.changesMembership(1, 2));
    assertFalse(log.changesMembership(2, 2));
    log.merge(List.of(entry(2, 2)));
    assertEquals(0, log.lastMembershipIndex());
  }
}
