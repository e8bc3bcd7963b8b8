package io.kvorum.persistence.wal;

import com.typesafe.config.Config;
import io.kvorum.persistence.leveldb.LevelDbOptions;
import java.nio.file.Path;

/**
 * How the log is kept.
 *
 * @param directory of the one LevelDB
 * @param levelDb its options
 * @param unsafeNoFsync nothing is synced: a crash of the machine loses acknowledged events
 * @param maxBatchRecords a batch is written at once when it holds this many events
 * @param maxBatchBytes or this many bytes of them
 * @param compactAfterBytes deleted events that take at least this much in tables are compacted away
 */
public record WalSettings(
    Path directory,
    LevelDbOptions levelDb,
    boolean unsafeNoFsync,
    int maxBatchRecords,
    long maxBatchBytes,
    long compactAfterBytes) {

  /** Settings with the module's own values but for the directory. */
  public static WalSettings in(Path directory) {
    return new WalSettings(
        directory,
        LevelDbOptions.defaults().withOwnThread(true),
        false,
        10_000,
        8L << 20,
        16L << 20);
  }

  /** From the section {@code kvorum.wal.journal}. */
  static WalSettings from(Config journal) {
    LevelDbOptions levelDb =
        LevelDbOptions.defaults()
            .withWriteBufferBytes(journal.getBytes("write-buffer"))
            .withCacheBytes(journal.getBytes("cache"))
            .withCompression(journal.getBoolean("compression"))
            .withMaxOpenFiles(journal.getInt("max-open-files"))
            .withOwnThread(true);
    return new WalSettings(
        Path.of(journal.getString("directory")),
        levelDb,
        journal.getBoolean("unsafe-no-fsync"),
        journal.getInt("max-batch-records"),
        journal.getBytes("max-batch-bytes"),
        journal.getBytes("compact-after"));
  }

  public WalSettings withUnsafeNoFsync(boolean unsafe) {
    return new WalSettings(
        directory, levelDb, unsafe, maxBatchRecords, maxBatchBytes, compactAfterBytes);
  }

  public WalSettings withLevelDb(LevelDbOptions options) {
    return new WalSettings(
        directory, options, unsafeNoFsync, maxBatchRecords, maxBatchBytes, compactAfterBytes);
  }

  public WalSettings withCompactAfterBytes(long bytes) {
    return new WalSettings(
        directory, levelDb, unsafeNoFsync, maxBatchRecords, maxBatchBytes, bytes);
  }
}
