package io.kvorum.actors.raft;

import io.kvorum.actors.raft.progress.Progress;
import io.kvorum.protocol.MemberId;
import java.util.Map;

/**
 * A leader's view of its followers, voters and learners.
 *
 * @param lastIndex where the leader's log ends
 */
public record ReplicationReport(
    long lastIndex, long committed, Map<MemberId, PeerProgress> followers) {
  public ReplicationReport {
    followers = Map.copyOf(followers);
  }

  /**
   * One follower.
   *
   * @param match highest index known to be on its disk
   * @param recentlyActive whether it was heard since the last quorum check
   */
  public record PeerProgress(long match, Progress.Mode mode, boolean recentlyActive) {}
}
