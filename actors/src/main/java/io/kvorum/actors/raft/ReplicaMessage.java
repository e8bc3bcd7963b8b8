package io.kvorum.actors.raft;

import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** What a replica's behaviours react to, in any role. */
public sealed interface ReplicaMessage {

  /**
   * The replica may begin; a sole voter campaigns at once.
   *
   * @param hurry let less than an election timeout pass before the first campaign
   */
  record Start(boolean hurry) implements ReplicaMessage {
    public Start() {
      this(true);
    }
  }

  /** One unit of time passed. */
  record Tick() implements ReplicaMessage {}

  /** A peer spoke. */
  record FromPeer(MemberId from, RaftMessage message) implements ReplicaMessage {}

  /** A client of this member wants an entry appended. */
  record Propose(Proposal proposal) implements ReplicaMessage {}

  /** Self-sent by a leader: everything that was in the mailbox before it has been gathered. */
  record Flush() implements ReplicaMessage {}

  /** A client of this member wants to read; answered through {@link Ports.Replies#readIndex}. */
  record ReadIndex(long token) implements ReplicaMessage {}

  /**
   * A write to the log on disk is synced.
   *
   * @param hardState what the disk holds now
   * @param last position of the last entry written so far
   * @param release messages that depended on it
   */
  record Persisted(HardState hardState, LogPosition last, List<Ports.Envelope> release)
      implements ReplicaMessage {}

  /** The log on disk takes no writes at the moment; nothing unsynced was acknowledged. */
  record StorageFailed(String reason) implements ReplicaMessage {}

  /** The log on disk takes writes again and ends at this position. */
  record StorageRecovered(LogPosition last) implements ReplicaMessage {}

  /**
   * The state machine has applied a membership change.
   *
   * @param index up to which entry it has applied the log now
   */
  record ConfigurationApplied(Configuration configuration, long index) implements ReplicaMessage {}

  /**
   * What the state machine has on disk covers the log up to this index: a restart will not ask for
   * less.
   */
  record DurablyApplied(long index) implements ReplicaMessage {}

  /**
   * Hands leadership to another voter (thesis 3.10); ignored by whoever does not lead. What came of
   * it shows through {@link Ports.Observer#leader}.
   */
  record TransferLeadership(MemberId to) implements ReplicaMessage {}

  /** Asks a leader how far its followers have come; empty from whoever does not lead. */
  record ReportProgress(CompletableFuture<Optional<ReplicationReport>> reply)
      implements ReplicaMessage {}

  /**
   * What came of {@link Ports.Snapshots#send}.
   *
   * @param at where the snapshot ends
   * @param delivered whether the follower holds all of it, verified
   */
  record SnapshotSent(MemberId to, LogPosition at, boolean delivered) implements ReplicaMessage {}

  /**
   * This member holds a complete, verified snapshot from a leader. Answered by {@link
   * Ports.Snapshots#install} or {@link Ports.Snapshots#discard}.
   *
   * @param term in which {@code from} led when it sent it
   */
  record SnapshotReceived(MemberId from, long term, LogPosition at) implements ReplicaMessage {}

  /**
   * The state machine holds the snapshot and nothing else, and the log on disk begins behind it;
   * both are durable.
   */
  record SnapshotInstalled(LogPosition at, Configuration configuration) implements ReplicaMessage {}

  /** The transport lost its connection to a member: what was on the way may be lost. */
  record PeerUnreachable(MemberId member) implements ReplicaMessage {}
}
