/**
 * The time that leases run out. The leases themselves are replicated state ({@link
 * io.kvorum.persistence.mvcc.StoredLease}); how much of each is left, only the leader knows.
 *
 * <p>{@link io.kvorum.actors.lease.Lessor} holds the rules and no clock, so that they can be tried
 * on virtual time; {@link io.kvorum.actors.lease.LeaseKeeper} is the actor around it, one per
 * group; {@link io.kvorum.actors.lease.LeaseTable} keeps the leases in the order of their time.
 *
 * <p>Not here: what revoking does to keys, the way from a member to its leader, gRPC.
 */
@NullMarked
package io.kvorum.actors.lease;

import org.jspecify.annotations.NullMarked;
