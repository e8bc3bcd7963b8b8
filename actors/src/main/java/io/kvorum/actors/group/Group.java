package io.kvorum.actors.group;

import io.kvorum.actors.raft.membership.Standing;
import io.kvorum.actors.watch.ResponseChunk;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import io.kvorum.protocol.internal.Command;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.apache.pekko.Done;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/**
 * What a service adapter may ask of one replicated group. Safe for any thread; nothing here blocks.
 */
public interface Group {

  /**
   * Has a command appended to the log and waits until this member has applied it.
   *
   * @param command without header; the group sets the request's id
   * @param reply class of the reply, for example {@code PutResponse.Builder}
   * @return the reply, or why it was refused: too large, too many requests, timed out, or what the
   *     state machine says
   */
  <T> CompletionStage<Outcome<T>> propose(Command.Builder command, Class<T> reply);

  /**
   * Waits until a read of this member's own state is linearizable (ReadIndex, thesis 6.4).
   * Completes on {@link #readExecutor}.
   */
  CompletionStage<Outcome<Done>> linearizableBarrier();

  /** This member. */
  MemberId member();

  MemberAdministration members();

  Maintenance maintenance();

  Leases leases();

  Alarms alarms();

  /**
   * Whether a request of this cost fits into this member's quota; {@link
   * io.kvorum.actors.apply.Quota} tells what a request costs. Cheap.
   */
  boolean hasRoomFor(long costBytes);

  /** A consistent view of what this member has applied; to be closed. */
  ReadView view();

  /** A full header of this member for an answer at a revision. */
  ResponseHeader header(long revision);

  /** A full header at the newest revision that this member has applied. */
  ResponseHeader header();

  /** How the group stands; put together on each call, so not for every request. */
  GroupStatus status();

  /** Whom this member takes for the leader; {@link MemberId#NONE} while it knows none. */
  MemberId leader();

  Standing standing();

  /** Completes when no scheduled compaction is unfinished on this member. */
  CompletionStage<Void> physicalCompaction();

  /**
   * Answers one client's watch stream, with whatever waits for it at a time in one element. The end
   * of the requests does not end the answers.
   */
  Source<ResponseChunk, NotUsed> watch(Source<WatchRequest, NotUsed> requests);

  /**
   * Bounded pool for reads, which may block on the disk. Refuses with {@code
   * RejectedExecutionException} when full.
   */
  Executor readExecutor();
}
