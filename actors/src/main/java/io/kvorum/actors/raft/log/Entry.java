package io.kvorum.actors.raft.log;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.LogPosition;

/**
 * One entry of the replicated log.
 *
 * @param index place in the log, from 1
 * @param term term of the leader that created it
 * @param payload encoded message that {@code kind} names; empty for {@link EntryKind#EMPTY}
 */
public record Entry(long index, long term, EntryKind kind, ByteString payload) {
  /** What an entry is taken to cost beside its payload, in memory and in a message, in bytes. */
  public static final int OVERHEAD_BYTES = 48;

  public LogPosition position() {
    return new LogPosition(index, term);
  }

  /** Size that bounds of messages, windows and memory count, in bytes. */
  public int sizeBytes() {
    return OVERHEAD_BYTES + payload.size();
  }
}
