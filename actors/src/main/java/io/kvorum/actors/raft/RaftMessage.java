package io.kvorum.actors.raft;

import io.kvorum.actors.raft.log.Entry;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.LogPosition;
import java.util.List;

/** What members of a group say to each other. Every message carries its sender's term. */
public sealed interface RaftMessage {
  long term();

  /**
   * Asks for a vote.
   *
   * @param term the term campaigned for; for a pre-vote the sender's own term is one less
   * @param last where the sender's log ends
   * @param preVote only asks whether the vote would be given
   * @param transfer the leader itself asked the sender to stand: who still hears the leader answers
   *     all the same (thesis 3.10)
   */
  record VoteRequest(long term, LogPosition last, boolean preVote, boolean transfer)
      implements RaftMessage {}

  /**
   * Answers a vote request. A granted one repeats the request's term, a refused one carries the
   * voter's own.
   */
  record VoteResponse(long term, boolean granted, boolean preVote) implements RaftMessage {}

  /** Entries behind {@code previous}, and the leader's commit mark. */
  record Append(long term, LogPosition previous, List<Entry> entries, long committed)
      implements RaftMessage {}

  /** Everything up to {@code match} is on the sender's disk. */
  record Appended(long term, long match) implements RaftMessage {}

  /**
   * The append behind index {@code rejected} does not fit.
   *
   * @param hint the best guess where the logs may agree, with the term that the sender has there
   */
  record AppendRejected(long term, long rejected, LogPosition hint) implements RaftMessage {}

  /**
   * The leader is alive.
   *
   * @param committed commit mark, no further than the receiver is known to have
   * @param round the newest read round; an answer with this number confirms it
   */
  record Heartbeat(long term, long committed, long round) implements RaftMessage {}

  /**
   * The log up to and with this entry is committed; the receiver believes it if it has the entry
   * (thesis 3.5, log matching). Not answered: what is lost the next heartbeat or append tells.
   */
  record Committed(long term, LogPosition last) implements RaftMessage {}

  record HeartbeatResponse(long term, long round) implements RaftMessage {}

  /** A follower passes on what its clients propose. */
  record Forward(long term, List<Proposal> proposals) implements RaftMessage {}

  /** A follower asks for an index at which reads are linearizable (thesis 6.4). */
  record ReadIndexRequest(long term, long token) implements RaftMessage {}

  record ReadIndexResponse(long term, long token, long index) implements RaftMessage {}

  /** The leader hands over: stand for election at once (thesis 3.10). */
  record TimeoutNow(long term) implements RaftMessage {}

  /** The leader did not append these forwarded proposals and never will. */
  record Refused(long term, List<Long> requestIds, EtcdError error) implements RaftMessage {}
}
