package io.kvorum.actors.raft;

import io.kvorum.actors.raft.log.Entry;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.MemberId;
import java.util.List;

/**
 * Everything through which a replica touches the world. Calls return at once; what they cause comes
 * back as a {@link ReplicaMessage}.
 */
public record Ports(
    RaftTransport transport,
    Wal wal,
    Applier applier,
    Replies replies,
    Observer observer,
    Snapshots snapshots) {

  /** A message with its addressee. */
  public record Envelope(MemberId to, RaftMessage message) {}

  /** Sends to peers; may lose, delay and reorder. */
  public interface RaftTransport {
    void send(MemberId to, RaftMessage message);
  }

  /** The log on disk. Writes are made in the order of the calls. */
  public interface Wal {
    /**
     * Makes a hard state and entries durable; entries replace what the disk holds from their first
     * index on. Answered by {@link ReplicaMessage.Persisted}.
     */
    void write(HardState hardState, List<Entry> entries, List<Envelope> release);

    /** The log begins behind this position now; what lies before is not needed any more. */
    void compact(LogPosition base);
  }

  /** The state machine. Receives each committed entry once, in order. */
  public interface Applier {
    void apply(List<Entry> committed);
  }

  /** Answers to this member's clients. */
  public interface Replies {
    /** Reads that waited under {@code token} are linearizable once {@code index} is applied. */
    void readIndex(long token, long index);

    /** The proposal was not appended and never will be. */
    void refused(long requestId, EtcdError error);
  }

  /** The state machine's state as a whole, for followers that the log does not reach any more. */
  public interface Snapshots {
    /**
     * Sends a snapshot to a follower; answered by {@link ReplicaMessage.SnapshotSent}. A call while
     * one to that member is under way changes nothing.
     *
     * @param term in which this member leads
     */
    void send(MemberId to, long term);

    /**
     * Replaces the state machine by the snapshot received, and the log on disk by an empty one
     * behind it; answered by {@link ReplicaMessage.SnapshotInstalled}.
     */
    void install(LogPosition at);

    /** The snapshot received is of no use. */
    void discard(LogPosition at);
  }

  /** Told of what operators watch: leader, term, commit. */
  public interface Observer {
    void leader(MemberId leader, long term);

    void committed(long index);
  }
}
