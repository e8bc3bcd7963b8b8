package io.kvorum.actors.wal;

import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.LogBase;
import io.kvorum.protocol.internal.LogEntry;
import io.kvorum.protocol.internal.LogRecord;
import io.kvorum.protocol.internal.RaftHardState;
import java.util.List;

/** Between raft's values and the records on disk. */
public final class LogRecords {
  private LogRecords() {}

  public static void put(LogRecord.Builder record, LogIdentity identity) {
    record
        .getIdentityBuilder()
        .setClusterId(identity.clusterId())
        .setMemberId(identity.member().value())
        .setGroupId(identity.group().value())
        .setClusterToken(identity.clusterToken());
  }

  public static void put(LogRecord.Builder record, HardState hardState) {
    record.setHardState(
        RaftHardState.newBuilder().setTerm(hardState.term()).setVote(hardState.vote().value()));
  }

  public static void put(LogRecord.Builder record, LogPosition base) {
    record.setBase(LogBase.newBuilder().setIndex(base.index()).setTerm(base.term()));
  }

  public static void putReplacement(LogRecord.Builder record, LogPosition base) {
    put(record, base);
    record.getBaseBuilder().setReplacesLog(true);
  }

  public static void put(LogRecord.Builder record, Entry entry) {
    record.addEntries(
        LogEntry.newBuilder()
            .setIndex(entry.index())
            .setTerm(entry.term())
            .setKind(entry.kind().number())
            .setPayload(entry.payload()));
  }

  static LogIdentity identity(LogRecord record) {
    var identity = record.getIdentity();
    return new LogIdentity(
        new GroupId(identity.getGroupId()),
        identity.getClusterId(),
        new MemberId(identity.getMemberId()),
        identity.getClusterToken());
  }

  static HardState hardState(LogRecord record) {
    return new HardState(
        record.getHardState().getTerm(), new MemberId(record.getHardState().getVote()));
  }

  static LogPosition base(LogRecord record) {
    return new LogPosition(record.getBase().getIndex(), record.getBase().getTerm());
  }

  static List<Entry> entries(LogRecord record) {
    return record.getEntriesList().stream()
        .map(e -> new Entry(e.getIndex(), e.getTerm(), EntryKind.of(e.getKind()), e.getPayload()))
        .toList();
  }
}
