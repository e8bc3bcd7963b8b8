package io.kvorum.actors.raft;

/**
 * The bounds of one replica; no other bound of the protocol stands elsewhere. Bytes count entries
 * as {@link io.kvorum.actors.raft.log.Entry#sizeBytes} does.
 *
 * @param electionTimeoutTicks a follower that hears nothing for this long, up to twice as long at
 *     random, asks for votes
 * @param heartbeatTicks a leader's heartbeats come this often
 * @param preVote ask before raising the term (thesis 9.6)
 * @param maxAppendBytes entries in one append message, and proposals in one that is forwarded; a
 *     single larger one travels alone
 * @param maxInflightAppends unanswered append messages per follower; beyond, it is sent none
 * @param maxInflightBytes unanswered bytes of entries per follower; beyond, it is sent none
 * @param maxUncommittedBytes entries a leader holds uncommitted; beyond, proposals are refused
 * @param maxDeliveryBytes committed entries handed to the applier in one message
 * @param maxHeldProposals proposals that wait for a leader; beyond, proposals are refused
 * @param maxHeldBytes proposals that wait for a leader; beyond, proposals are refused
 * @param requestTimeoutTicks a proposal that has waited for a leader this long is forgotten: its
 *     caller does not wait any more
 * @param maxWaitingReads read requests that wait for a leader's rounds; beyond, one is dropped, and
 *     its member asks again
 * @param catchUpEntries entries kept behind what the state machine has on disk, for followers a
 *     little behind
 * @param maxLogBytes entries held in memory; beyond, none are kept for catching up
 * @param maxLaggingLogBytes entries a leader holds in memory for followers that answer but lag, or
 *     receive a snapshot; beyond, they need a snapshot
 * @param maxTotalLogBytes entries held in memory whatever the reason, such as a state machine that
 *     cannot keep up; beyond, a leader refuses proposals and a follower takes no entries
 */
public record RaftSettings(
    int electionTimeoutTicks,
    int heartbeatTicks,
    boolean preVote,
    long maxAppendBytes,
    int maxInflightAppends,
    long maxInflightBytes,
    long maxUncommittedBytes,
    long maxDeliveryBytes,
    int maxHeldProposals,
    long maxHeldBytes,
    int requestTimeoutTicks,
    int maxWaitingReads,
    long catchUpEntries,
    long maxLogBytes,
    long maxLaggingLogBytes,
    long maxTotalLogBytes) {
  private static final long MIB = 1 << 20;

  public RaftSettings {
    if (electionTimeoutTicks <= heartbeatTicks || heartbeatTicks < 1) {
      throw new IllegalArgumentException(
          "election timeout of "
              + electionTimeoutTicks
              + " ticks with heartbeats every "
              + heartbeatTicks);
    }
    if (maxLogBytes > maxLaggingLogBytes || maxLaggingLogBytes > maxTotalLogBytes) {
      throw new IllegalArgumentException(
          "bounds of the log in memory: "
              + maxLogBytes
              + ", for lagging followers "
              + maxLaggingLogBytes
              + ", in all "
              + maxTotalLogBytes);
    }
  }

  /**
   * etcd's figures: 1 MiB per append, 512 appends in flight. The bounds of bytes together fit into
   * half of the heap that the server is started with.
   */
  public static RaftSettings of(
      int electionTimeoutTicks, int heartbeatTicks, boolean preVote, long catchUpEntries) {
    return new RaftSettings(
        electionTimeoutTicks,
        heartbeatTicks,
        preVote,
        MIB,
        512,
        32 * MIB,
        64 * MIB,
        4 * MIB,
        16_384,
        16 * MIB,
        7 * electionTimeoutTicks,
        4096,
        catchUpEntries,
        64 * MIB,
        96 * MIB,
        160 * MIB);
  }

  public RaftSettings withRequestTimeoutTicks(int ticks) {
    return new RaftSettings(
        electionTimeoutTicks,
        heartbeatTicks,
        preVote,
        maxAppendBytes,
        maxInflightAppends,
        maxInflightBytes,
        maxUncommittedBytes,
        maxDeliveryBytes,
        maxHeldProposals,
        maxHeldBytes,
        ticks,
        maxWaitingReads,
        catchUpEntries,
        maxLogBytes,
        maxLaggingLogBytes,
        maxTotalLogBytes);
  }
}
