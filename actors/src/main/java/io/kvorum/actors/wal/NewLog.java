package io.kvorum.actors.wal;

import io.kvorum.actors.raft.HardState;
import io.kvorum.persistence.wal.WalBeginning;
import io.kvorum.persistence.wal.WalRecord;
import io.kvorum.persistence.wal.WalSettings;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.LogRecord;
import java.nio.file.Path;

/** A log that begins behind a keyspace which was not grown from it. */
public final class NewLog {
  private NewLog() {}

  /**
   * Writes a log without entries, durably.
   *
   * @param base where the keyspace stands; the member has seen its term, and voted for nobody
   * @throws io.kvorum.persistence.leveldb.StorageException if the directory cannot be used
   */
  public static void write(Path directory, LogIdentity identity, LogPosition base) {
    LogRecord.Builder record = LogRecord.newBuilder();
    LogRecords.put(record, identity);
    LogRecords.put(record, new HardState(base.term(), MemberId.NONE));
    LogRecords.put(record, base);
    WalBeginning.write(
        WalSettings.in(directory),
        WalActor.persistenceId(identity.group()),
        new WalRecord(record.build().toByteArray()));
  }
}
