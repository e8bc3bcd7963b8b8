package io.kvorum.actors.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.LogRecord;
import java.util.List;
import org.junit.jupiter.api.Test;

final class LogReplayTest {
  private final LogReplay replay = new LogReplay();
  private long sequenceNr;

  private static Entry entry(long index, long term) {
    return new Entry(index, term, EntryKind.COMMAND, ByteString.copyFromUtf8("v" + index));
  }

  private void entries(Entry... entries) {
    LogRecord.Builder record = LogRecord.newBuilder();
    for (Entry entry : entries) {
      LogRecords.put(record, entry);
    }
    add(record);
  }

  private void add(LogRecord.Builder record) {
    replay.add(record.build().toByteArray(), ++sequenceNr);
  }

  @Test
  void anEmptyLogHasNoIdentity() {
    RecoveredLog log = replay.finish();
    assertNull(log.identity());
    assertEquals(LogPosition.ZERO, log.last());
  }

  @Test
  void everythingComesBackAsItWasWritten() {
    LogIdentity identity = new LogIdentity(new GroupId(3), -5L, new MemberId(-7L), "token");
    HardState state = new HardState(4, new MemberId(-7L));
    LogRecord.Builder first = LogRecord.newBuilder();
    LogRecords.put(first, identity);
    add(first);
    LogRecord.Builder second = LogRecord.newBuilder();
    LogRecords.put(second, state);
    LogRecords.put(second, entry(1, 4));
    add(second);
    assertEquals(
        new RecoveredLog(identity, state, LogPosition.ZERO, List.of(entry(1, 4))), replay.finish());
  }

  @Test
  void laterEntriesReplaceEarlierOnes() {
    entries(entry(1, 1), entry(2, 1), entry(3, 1));
    entries(entry(2, 2));
    assertEquals(List.of(entry(1, 1), entry(2, 2)), replay.finish().entries());
  }

  @Test
  void aBaseDropsWhatLiesBeforeItAlsoWhenItsRecordsAreGone() {
    entries(entry(5, 1), entry(6, 1), entry(7, 2));
    LogRecord.Builder base = LogRecord.newBuilder();
    LogRecords.put(base, new LogPosition(6, 1));
    add(base);
    entries(entry(8, 2));
    RecoveredLog log = replay.finish();
    assertEquals(new LogPosition(6, 1), log.base());
    assertEquals(List.of(entry(7, 2), entry(8, 2)), log.entries());
  }

  @Test
  void aGapBetweenRecordsIsRefusedByName() {
    entries(entry(1, 1));
    CorruptLogException e = assertThrows(CorruptLogException.class, () -> entries(entry(3, 1)));
    assertTrue(String.valueOf(e.getMessage()).contains("entry 3"), e::getMessage);
  }

  @Test
  void aMissingBeginningIsRefused() {
    entries(entry(5, 1));
    assertThrows(CorruptLogException.class, replay::finish);
  }

  @Test
  void aRecordThatIsNoRecordIsRefusedWithItsNumber() {
    CorruptLogException e =
        assertThrows(CorruptLogException.class, () -> replay.add(new byte[] {(byte) 0xff}, 12));
    assertTrue(String.valueOf(e.getMessage()).contains("record 12"), e::getMessage);
  }

  /** The old records may still be there: they are removed after the new one is synced. */
  @Test
  void aSnapshotTakesThePlaceOfAllEntriesBeforeItsRecord() {
    entries(entry(1, 1), entry(2, 1), entry(3, 1), entry(4, 1));
    LogRecord.Builder replaced = LogRecord.newBuilder();
    LogRecords.putReplacement(replaced, new LogPosition(2, 5));
    add(replaced);
    entries(entry(3, 6));
    RecoveredLog log = replay.finish();
    assertEquals(new LogPosition(2, 5), log.base());
    assertEquals(List.of(entry(3, 6)), log.entries());
  }
}
