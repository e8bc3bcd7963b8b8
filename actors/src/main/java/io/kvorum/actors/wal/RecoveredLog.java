package io.kvorum.actors.wal;

import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.protocol.LogPosition;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a group's log on disk holds.
 *
 * @param identity {@code null} if nothing was ever written
 * @param base position of the entry before the first one
 */
public record RecoveredLog(
    @Nullable LogIdentity identity, HardState hardState, LogPosition base, List<Entry> entries) {

  public long lastIndex() {
    return base.index() + entries.size();
  }

  public LogPosition last() {
    return entries.isEmpty() ? base : entries.getLast().position();
  }
}
