package io.kvorum.actors.apply;

import io.kvorum.persistence.mvcc.ApplyBatch;
import io.kvorum.protocol.LogPosition;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.internal.Command;

/**
 * One step on a command's way into the keyspace: carries it out, or refuses it, or hands it to the
 * layer below. Consumes the entry in the batch exactly once, whatever comes of it. What differs
 * from member to member may change the answer, never the state.
 */
interface CommandLayer {

  /**
   * @param at the entry that holds the command
   * @return the reply for the caller, of the class that {@code Group.propose} names, or why the
   *     command is refused
   */
  Outcome<Object> apply(ApplyBatch batch, LogPosition at, Command command);
}
