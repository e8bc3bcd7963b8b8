package io.kvorum.actors.raft.membership;

import io.kvorum.protocol.MemberId;
import java.util.Collection;
import java.util.Collections;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Who takes part in a group.
 *
 * @param voters members whose votes and disks count
 * @param learners members that receive the log but neither vote nor count (thesis 4.2.1)
 */
public record Configuration(SortedSet<MemberId> voters, SortedSet<MemberId> learners) {

  public Configuration {
    voters = Collections.unmodifiableSortedSet(new TreeSet<>(voters));
    learners = Collections.unmodifiableSortedSet(new TreeSet<>(learners));
  }

  public static Configuration of(Collection<MemberId> voters, Collection<MemberId> learners) {
    return new Configuration(new TreeSet<>(voters), new TreeSet<>(learners));
  }

  /** Whether this member alone is a quorum. */
  public boolean isSoleVoter(MemberId member) {
    return voters.size() == 1 && voters.contains(member);
  }

  /** Whether this member is all there is: nobody else has or will get what it writes. */
  public boolean isSoleMember(MemberId member) {
    return isSoleVoter(member) && learners.isEmpty();
  }

  public boolean isVoter(MemberId member) {
    return voters.contains(member);
  }
}
