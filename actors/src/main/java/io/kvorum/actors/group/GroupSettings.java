package io.kvorum.actors.group;

import io.kvorum.actors.lease.LeaseRules;
import io.kvorum.actors.raft.RaftSettings;
import io.kvorum.protocol.GroupId;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * What a member is told about a group when it starts.
 *
 * @param memberName this member's name
 * @param clientUrls published to the cluster
 * @param serverVersion this server's version, for example {@code 3.7.1}
 * @param tick length of raft's unit of time
 * @param electionTickAdvance whether the first election may come before an election timeout is over
 * @param requestTimeout how long a proposal or a read index may take
 * @param maxRequestBytes largest encoded proposal
 * @param syncEntries the keyspace is made durable after this many applied entries
 * @param warnApply a batch of entries that takes longer to apply is logged
 * @param watchProgressInterval between progress notifications of an idle watch
 * @param retention how much history is kept
 * @param safeguards what is refused or looked after so that the data stays whole
 */
public record GroupSettings(
    GroupId group,
    String memberName,
    InitialCluster initialCluster,
    List<String> clientUrls,
    String serverVersion,
    MemberRules memberRules,
    RaftSettings raft,
    Duration tick,
    boolean electionTickAdvance,
    Duration requestTimeout,
    int maxRequestBytes,
    long syncEntries,
    Duration warnApply,
    Duration watchProgressInterval,
    HistoryRetention retention,
    Safeguards safeguards) {

  /**
   * How the group comes to be; all but the last two only matter where the log is empty.
   *
   * @param members peer URLs by member name, this member's among them
   * @param join the members are a cluster that exists: take part in it
   * @param token {@code --initial-cluster-token}
   * @param tokenGiven whether the operator named the token: then a log of another cluster is
   *     refused
   * @param force make this member the only one, whatever log and keyspace say
   */
  public record InitialCluster(
      Map<String, List<String>> members,
      boolean join,
      String token,
      boolean tokenGiven,
      boolean force) {}

  /**
   * What changes of members are allowed.
   *
   * @param strict refuse what endangers the quorum
   * @param maxLearners most members without a vote
   */
  public record MemberRules(boolean strict, int maxLearners) {}

  LeaseRules leaseRules() {
    return LeaseRules.of(electionTimeout(), requestTimeout);
  }

  /**
   * What keeps a member from growing without limit, and finds members that hold something else.
   *
   * @param quotaBytes most bytes of the store, negative for no limit
   * @param initialCheck compare this member's hash with the others' before it takes part
   * @param checkInterval between the leader's comparisons of everything; zero for none
   * @param compactionCheckInterval between its comparisons of what compactions hashed; zero for
   *     none
   */
  public record Safeguards(
      long quotaBytes,
      boolean initialCheck,
      Duration checkInterval,
      Duration compactionCheckInterval) {
    /** etcd's, 2 GiB. */
    public static final long DEFAULT_QUOTA_BYTES = 2L << 30;

    public static Safeguards defaults() {
      return new Safeguards(DEFAULT_QUOTA_BYTES, false, Duration.ZERO, Duration.ZERO);
    }
  }

  Duration electionTimeout() {
    return tick.multipliedBy(raft.electionTimeoutTicks());
  }
}
