package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.LogPosition;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Puts another content in the place of a keyspace that may be damaged in any way: nothing of it is
 * read. Until the switch everything is as before; after it the old files stand aside, under names
 * that no keyspace uses. Nobody may have the keyspace open.
 */
public final class KeyspaceRebuild implements AutoCloseable {
  private final KeyspaceDirectory directory;
  private final KeyspaceStaging staging;

  private KeyspaceRebuild(KeyspaceDirectory directory, KeyspaceStaging staging) {
    this.directory = directory;
    this.staging = staging;
  }

  /**
   * @throws StorageException if the directory is in use, or cannot be written to
   */
  public static KeyspaceRebuild in(Path directory, GroupId group, KeyspaceOptions options) {
    KeyspaceDirectory held = KeyspaceDirectory.openUnread(directory);
    boolean begun = false;
    try {
      int generation = held.nextGeneration();
      KeyspaceStaging staging =
          new KeyspaceStaging(
              held.generation(generation), generation, new Tables(group), options.storage());
      begun = true;
      return new KeyspaceRebuild(held, staging);
    } finally {
      if (!begun) {
        held.close();
      }
    }
  }

  /** Takes the rows; to be sealed before {@link #install}. */
  public KeyspaceStaging staging() {
    return staging;
  }

  /**
   * Puts what was staged into force.
   *
   * @param logBeginsThere whether the log has yet to be emptied and set to the position, which the
   *     next start does; null if it contains the position and stays
   * @return where the old files are
   */
  public List<Path> install(@Nullable LogPosition logBeginsThere) {
    directory.switchToRebuilt(staging.generation(), logBeginsThere);
    staging.installed();
    return directory.setOthersAside();
  }

  /**
   * Sets the keyspace aside without another in its place: the next start makes an empty one.
   *
   * @return where the old files are
   */
  public static List<Path> clear(Path directory) {
    try (KeyspaceDirectory held = KeyspaceDirectory.openUnread(directory)) {
      return held.setAllAside();
    }
  }

  @Override
  public void close() {
    staging.close();
    directory.close();
  }
}
