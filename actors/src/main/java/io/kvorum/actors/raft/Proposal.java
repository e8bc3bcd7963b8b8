package io.kvorum.actors.raft;

import com.google.protobuf.ByteString;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.log.EntryKind;

/**
 * What a client wants appended to the log; {@code requestId} names the caller that waits on the
 * proposing member.
 */
public record Proposal(long requestId, EntryKind kind, ByteString payload) {
  /** Size that bounds count: that of the entry it would become, in bytes. */
  public int sizeBytes() {
    return Entry.OVERHEAD_BYTES + payload.size();
  }
}
