package io.kvorum.actors.snapshot;

import io.kvorum.protocol.MemberId;

/**
 * Carries snapshot messages to peers; may lose, delay, duplicate and reorder. Must not delay what
 * raft sends: chunks are large.
 */
public interface SnapshotChannel {
  void send(MemberId to, SnapshotMessage message);
}
