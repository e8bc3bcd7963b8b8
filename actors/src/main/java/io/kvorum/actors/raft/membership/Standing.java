package io.kvorum.actors.raft.membership;

/** What a member is to its group, by the membership it has applied. */
public enum Standing {
  VOTER,
  LEARNER,
  /** Not in the membership: removed from it, or it has not learnt yet that it was added. */
  NOBODY
}
