package io.kvorum.actors.lease;

import io.kvorum.protocol.internal.LeaseCheckpoints;
import io.kvorum.protocol.internal.LeaseExpiry;

/** What a {@link Lessor} has done for it. Calls return at once; answers come as calls to it. */
public interface LeaseEffects {
  /**
   * Asks whether this member still leads, by a quorum's word given after this call. Answered by
   * {@link Lessor#confirmed}, or not at all.
   */
  void readIndex(long token);

  /** Answered by {@link Lessor#applied} when this member has applied that entry. */
  void awaitApplied(long token, long index);

  /** Answered by {@link Lessor#proposed}. */
  void propose(long number, LeaseExpiry expiry);

  /** Answered by {@link Lessor#proposed}. */
  void propose(long number, LeaseCheckpoints checkpoints);

  /** A renewal was answered with all of a lease's TTL. */
  void renewed();

  /** So many leases were revoked, because their time was up. */
  void expired(int leases);
}
