package io.kvorum.verification.simulation;

import io.kvorum.actors.divergence.Divergence;
import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.LogRecord;
import java.util.List;

/**
 * Something that must hold whatever happens. Is told of everything that may break it, at the moment
 * it happens, and throws a {@link Violation}. A new one, for watches or leases, is a class of its
 * own in {@link World}'s list.
 */
interface Invariant {
  default void sent(MemberId from, MemberId to, RaftMessage message) {}

  /** A replica has begun, or begun again. */
  default void started(Life life) {}

  default void leads(Life life, long term) {}

  /** A replica hands its log what must become durable. */
  default void writes(Life life, HardState hardState, List<Entry> entries) {}

  /** A record has reached a member's disk. */
  default void durable(Member member, LogRecord record) {}

  /** A replica's commit mark has moved. */
  default void commits(Life life, long index) {}

  default void applied(Life life, Entry entry, Store.Applied applied) {}

  default void installed(Life life, Store snapshot) {}

  /** A replica is told of the membership that came of the log up to this index. */
  default void configured(Life life, Configuration configuration, long index) {}

  /**
   * A read may go on at this index.
   *
   * @param floor what was committed when the read was asked for
   */
  default void readConfirmed(Life life, long floor, long index) {}

  /** A leader says that members hold different data. */
  default void diverged(Life leader, Divergence divergence) {}

  /** A replica has handled a message. */
  default void handled(Life life) {}

  /** All is quiet, every member of the last membership runs and has applied everything. */
  default void finished(List<Life> members) {}
}
