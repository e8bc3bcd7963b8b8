package io.kvorum.actors.raft;

/**
 * The bounds of one replica.
 *
 * @param electionTimeoutTicks a follower that hears nothing for this long, up to twice as long at
 *     random, asks for votes
 * @param heartbeatTicks a leader's heartbeats come this often
 * @param preVote ask before raising the term (thesis 9.6)
 * @param maxAppendBytes entries in one append message
 * @param maxInflightAppends unanswered append messages per follower
 * @param maxInflightBytes unanswered bytes of entries per follower
 * @param maxUncommittedBytes entries a leader holds uncommitted; beyond, proposals are refused
 * @param maxDeliveryBytes committed entries handed to the applier in one message
 * @param maxHeldProposals proposals that wait for a leader; beyond, proposals are refused
 * @param catchUpEntries entries kept behind what the state machine has on disk, for followers a
 *     little behind
 * @param maxLogBytes entries held in memory; beyond, none are kept for catching up
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
    long catchUpEntries,
    long maxLogBytes) {

  public RaftSettings {
    if (electionTimeoutTicks <= heartbeatTicks || heartbeatTicks < 1) {
      throw new IllegalArgumentException(
          "election timeout of "
              + electionTimeoutTicks
              + " ticks with heartbeats every "
              + heartbeatTicks);
    }
  }

  /** etcd's figures: 1 MiB per append, 512 appends in flight. */
  public static RaftSettings of(
      int electionTimeoutTicks, int heartbeatTicks, boolean preVote, long catchUpEntries) {
    return new RaftSettings(
        electionTimeoutTicks,
        heartbeatTicks,
        preVote,
        1 << 20,
        512,
        64L << 20,
        128L << 20,
        4L << 20,
        16_384,
        catchUpEntries,
        64L << 20);
  }
}
