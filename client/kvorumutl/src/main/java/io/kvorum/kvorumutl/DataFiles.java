package io.kvorum.kvorumutl;

import io.kvorum.persistence.leveldb.LevelDbOptions;
import io.kvorum.persistence.mvcc.KeyspaceInspection;
import io.kvorum.persistence.mvcc.KeyspaceOptions;
import io.kvorum.persistence.wal.WalAtRest;
import io.kvorum.persistence.wal.WalSettings;
import io.kvorum.protocol.GroupId;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where the server keeps what a command looks at, and how it is opened for that. */
final class DataFiles {
  private DataFiles() {}

  /** A full disk is no reason not to look. */
  static KeyspaceOptions options() {
    KeyspaceOptions options = KeyspaceOptions.defaults();
    return options.withStorage(options.storage().withMinFreeBytes(0));
  }

  static WalSettings walSettings(Path directory) {
    return WalSettings.in(directory).withLevelDb(LevelDbOptions.defaults().withMinFreeBytes(0));
  }

  /**
   * @throws RefusedException if a data directory has none
   */
  static Path keyspaceIn(Path dataDirectory) {
    Path keyspace = dataDirectory.resolve("member").resolve("keyspace");
    if (!KeyspaceInspection.isOne(keyspace)) {
      throw new RefusedException(
          dataDirectory
              + (Files.exists(dataDirectory.resolve("member").resolve("snap"))
                  ? " is an etcd's data directory. kvorumutl takes its member/snap/db, or a snapshot"
                  : " is no data directory of Kvorum's: there is no member/keyspace in it"));
    }
    return keyspace;
  }

  /**
   * @throws RefusedException if there is none
   */
  static Path walOf(Path dataDirectory, @Nullable Path given) {
    Path wal = given == null ? dataDirectory.resolve("member").resolve("wal") : given;
    if (!WalAtRest.isOne(wal)) {
      throw new RefusedException(
          "there is no write-ahead log in "
              + wal
              + (given == null ? ". If it lies elsewhere, name it with --wal-dir" : ""));
    }
    return wal;
  }

  /** Looks into the keyspace of a data directory. */
  static KeyspaceInspection inspect(Path dataDirectory) {
    return KeyspaceInspection.open(keyspaceIn(dataDirectory), GroupId.DEFAULT, options());
  }
}
