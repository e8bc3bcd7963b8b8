package io.kvorum.actors.lease;

import java.time.Duration;

/**
 * Figures that leases go by.
 *
 * @param leastTtlSeconds shorter ones are granted for this long
 * @param electionTimeout what a new leader adds to each: the one before may have renewed it when it
 *     was not heard any more
 * @param callTimeout how long a call waits at most
 * @param checkpointInterval a lease that was not renewed this long is checkpointed
 * @param checkpointSpread up to so much later, so that many do not fall together
 */
public record LeaseRules(
    long leastTtlSeconds,
    Duration electionTimeout,
    Duration callTimeout,
    Duration checkpointInterval,
    Duration checkpointSpread) {

  /** As etcd's; longer ones are refused. */
  public static final long MAX_TTL_SECONDS = 9_000_000_000L;

  /**
   * The least TTL is one and a half election timeouts, in whole seconds, and checkpoints are made
   * every five minutes, as in etcd.
   */
  public static LeaseRules of(Duration electionTimeout, Duration callTimeout) {
    long leastMillis = 3 * electionTimeout.toMillis() / 2;
    return new LeaseRules(
        Math.ceilDiv(leastMillis, 1000L),
        electionTimeout,
        callTimeout,
        Duration.ofMinutes(5),
        Duration.ofMinutes(1));
  }
}
