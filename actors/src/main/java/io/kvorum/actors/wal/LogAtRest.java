package io.kvorum.actors.wal;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kvorum.actors.raft.HardState;
import io.kvorum.persistence.wal.WalAccess;
import io.kvorum.persistence.wal.WalRecord;
import io.kvorum.persistence.wal.WalSettings;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.internal.LogEntry;
import io.kvorum.protocol.internal.LogRecord;
import java.nio.file.Path;

/** A group's log while no server uses it. Holds the directory until it is closed. */
public final class LogAtRest implements AutoCloseable {
  private final WalAccess access;
  private final RecoveredLog content;

  private LogAtRest(WalAccess access, RecoveredLog content) {
    this.access = access;
    this.content = content;
  }

  /**
   * @throws io.kvorum.persistence.leveldb.StorageException if the directory is in use or damaged
   * @throws CorruptLogException if its records do not fit together
   */
  public static LogAtRest open(Path directory, GroupId group) {
    WalAccess access = WalAccess.open(WalSettings.in(directory), WalActor.persistenceId(group));
    boolean opened = false;
    try {
      LogReplay replay = new LogReplay();
      access.read(
          (sequence, record) -> replay.add(withoutPayloads(record.bytes(), sequence), sequence));
      RecoveredLog content = replay.finish();
      opened = true;
      return new LogAtRest(access, content);
    } finally {
      if (!opened) {
        access.close();
      }
    }
  }

  private static byte[] withoutPayloads(byte[] bytes, long sequence) {
    try {
      LogRecord.Builder record = LogRecord.parseFrom(bytes).toBuilder();
      record.getEntriesBuilderList().forEach(LogEntry.Builder::clearPayload);
      return record.build().toByteArray();
    } catch (InvalidProtocolBufferException e) {
      throw new CorruptLogException(
          "record " + sequence + " of the write-ahead log cannot be read", e);
    }
  }

  /** Its entries without their payloads, which may not fit into memory together. */
  public RecoveredLog content() {
    return content;
  }

  /** Writes what the member knows of terms and votes from now on, durably. */
  public void append(HardState hardState) {
    LogRecord.Builder record = LogRecord.newBuilder();
    LogRecords.put(record, hardState);
    access.append(new WalRecord(record.build().toByteArray()));
  }

  @Override
  public void close() {
    access.close();
  }
}
