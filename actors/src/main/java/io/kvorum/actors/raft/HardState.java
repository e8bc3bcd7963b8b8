package io.kvorum.actors.raft;

import io.kvorum.protocol.MemberId;

/**
 * What a member must never forget: the newest term it has seen and whom it voted for in it (thesis
 * figure 3.1).
 *
 * @param vote {@link MemberId#NONE} if it did not vote in this term
 */
public record HardState(long term, MemberId vote) {
  public static final HardState INITIAL = new HardState(0, MemberId.NONE);
}
