package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Makes a keyspace out of the rows of another's {@link KeyspaceExport}, as the beginning of a new
 * history of the log: keys, their history and what owners keep stay as they are, but for what is
 * named to be replaced. Before {@link #finish} the directory is no keyspace. Holds a row at a time.
 * One thread.
 */
public final class KeyspaceRestore implements AutoCloseable {

  private final Tables tables;
  private final KeyspaceStaging staging;
  private final LogPosition at;
  private final long bump;
  private final Map<String, byte[]> meta;
  private final Set<String> replaced = new HashSet<>();
  private CompactionState compaction = CompactionState.FRESH;
  private StoreState state = StoreState.FRESH;
  private long liveKeys;
  private long records;

  private KeyspaceRestore(
      Tables tables, KeyspaceStaging staging, LogPosition at, long bump, Map<String, byte[]> meta) {
    this.tables = tables;
    this.staging = staging;
    this.at = at;
    this.bump = bump;
    this.meta = meta;
  }

  /**
   * @param directory of a keyspace to be; nothing may be in it
   * @param at the log position that stands for all of it
   * @param bump what the revision is raised by; if any, all before is compacted, as by etcd's tool
   * @param meta takes the place of what is there under these names
   * @throws io.kvorum.persistence.leveldb.StorageException if the directory cannot be used
   */
  public static KeyspaceRestore into(
      Path directory,
      GroupId group,
      KeyspaceOptions options,
      LogPosition at,
      long bump,
      Map<String, byte[]> meta) {
    Tables tables = new Tables(group);
    return new KeyspaceRestore(
        tables,
        new KeyspaceStaging(
            KeyspaceDirectory.firstGeneration(directory),
            KeyspaceDirectory.FIRST_GENERATION,
            tables,
            options.storage()),
        at,
        bump,
        meta);
  }

  /**
   * The next row, as the export gave it.
   *
   * @throws IllegalArgumentException if it cannot be, or if the revision cannot be raised so far
   */
  public void add(byte[] key, byte[] value) {
    if (!tables.isOfGroup(key)) {
      throw new IllegalArgumentException("a row of another group than " + tables.group());
    }
    byte[] stored = value;
    if (Tables.isCurrent(key)) {
      liveKeys++;
    } else if (Tables.isRevision(key)) {
      records++;
    } else if (Tables.isMeta(key)) {
      stored = meta(Tables.nameIn(key), value);
    } else if (Tables.isState(key)) {
      String name = Tables.nameIn(key);
      if (name.equals(Store.DEFRAGMENTED_NAME)) {
        // Of the member that gave it: here nothing was removed yet.
        return;
      }
      stored = state(name, value);
    }
    staging.put(key, stored);
  }

  private byte[] meta(String name, byte[] value) {
    byte[] other = meta.get(name);
    if (other == null) {
      return value;
    }
    replaced.add(name);
    return other;
  }

  /** The row of compactions stands before that of the state. */
  private byte[] state(String name, byte[] value) {
    if (name.equals(CompactionState.NAME)) {
      compaction = CompactionState.decode(value);
    } else if (name.equals(StoreState.NAME)) {
      StoreState source = StoreState.decode(value);
      state =
          source.restored(
              at, bump, Math.max(0, source.recordBytesAdded() - compaction.recordBytesRemoved()));
      return state.encode();
    }
    return value;
  }

  /**
   * All rows are there: makes them a keyspace, durably.
   *
   * @throws IllegalArgumentException if it is none
   * @throws io.kvorum.persistence.leveldb.StorageException if it is one of a newer version
   */
  public KeyspaceImport.Summary finish() {
    if (!replaced.equals(meta.keySet())) {
      throw new IllegalArgumentException(
          "not the state of a member: of " + meta.keySet() + " it has " + replaced);
    }
    staging.seal(at);
    staging.installed();
    return new KeyspaceImport.Summary(
        state.revision(), state.compactedRevision(), liveKeys, records);
  }

  /** Removes what was written, unless it was finished. */
  @Override
  public void close() {
    staging.close();
  }
}
