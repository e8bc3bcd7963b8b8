package io.kvorum.config;

import java.util.List;

/** Our own settings. etcd has no flags for them, so they stand in a file's block {@code kvorum}. */
final class TuningSettings {

  private static final String GROUP = "Kvorum";

  static final Flag LEVELDB_CACHE_BYTES =
      setting("leveldb-cache-bytes", "block cache of each LevelDB; 0 leaves it to Kvorum");
  static final Flag LEVELDB_WRITE_BUFFER_BYTES =
      setting("leveldb-write-buffer-bytes", "write buffer of each LevelDB; 0 leaves it to Kvorum");
  static final Flag READ_THREADS =
      setting("read-threads", "threads that read the keyspace; 0 leaves it to Kvorum");

  static final List<Flag> ALL =
      List.of(LEVELDB_CACHE_BYTES, LEVELDB_WRITE_BUFFER_BYTES, READ_THREADS);

  private TuningSettings() {}

  private static Flag setting(String name, String meaning) {
    return Flag.of(GROUP, "kvorum." + name, FlagType.UINT, "0", meaning).withoutEnvironment();
  }
}
