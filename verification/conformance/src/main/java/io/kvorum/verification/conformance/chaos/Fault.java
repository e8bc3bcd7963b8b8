package io.kvorum.verification.conformance.chaos;

import io.kvorum.verification.conformance.cluster.Cluster;

/** What can be done to a cluster under load. */
public enum Fault {
  KILL_LEADER("kill -9 of the leader"),
  KILL_FOLLOWER("kill -9 of a follower"),
  KILL_MINORITY("kill -9 of the leader and of as many more as leave a quorum"),
  KILL_ALL("kill -9 of all"),
  PAUSE_LEADER("the leader stands still"),
  PAUSE_FOLLOWER("a follower stands still"),
  PAUSE_MAJORITY("a majority stands still"),
  STUTTER("one member runs only by fits and starts"),
  PARTITION_LEADER("the leader is cut off", true, 3),
  PARTITION_FOLLOWER("a follower is cut off", true, 3),
  PARTITION_WITH_LEADER("a minority with the leader is cut off", true, 5),
  PARTITION_WITHOUT_LEADER("a minority without the leader is cut off", true, 5),
  PARTITION_MAJORITY("no part has a quorum", true, 3),
  ONE_WAY_FROM_LEADER("what the leader sends is lost", true, 3),
  ONE_WAY_TO_LEADER("what is sent to the leader is lost", true, 3),
  ONE_WAY_TO_FOLLOWER("what is sent to a follower is lost", true, 3),
  ONE_LINK("the leader and a follower do not hear each other, all others do", true, 3),
  ROLLING_RESTART("SIGTERM and a new start, one after the other"),
  REPLACE_MEMBER("a member is removed and another one added"),
  AWAY_FOR_SNAPSHOT("a follower is away until the log it needs is gone"),
  FULL_DISK("a member's disk is full"),
  STORM("one thing after the other, healed only at the end");

  private final String title;
  private final boolean needsCuts;
  private final int leastMembers;

  Fault(String title) {
    this(title, false, 3);
  }

  Fault(String title, boolean needsCuts, int leastMembers) {
    this.title = title;
    this.needsCuts = needsCuts;
    this.leastMembers = leastMembers;
  }

  public String title() {
    return title;
  }

  /** Whether it makes sense there. */
  public boolean fits(Cluster cluster, boolean hasSmallDisk) {
    return (!needsCuts || cluster.network().canCut())
        && cluster.members().size() >= leastMembers
        && (this != FULL_DISK || hasSmallDisk);
  }
}
