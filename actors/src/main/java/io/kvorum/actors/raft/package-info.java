/**
 * Raft as actor behaviours: one file per role, holding only that role's data, on ports for
 * everything that touches the world. Time arrives as {@link
 * io.kvorum.actors.raft.ReplicaMessage.Tick}, randomness from a seeded source handed in, so that
 * the same behaviours run in production actors, in a test kit and in a simulator.
 *
 * <p>What lives here: the role behaviours, their message protocol, the state that is handed from
 * role to role, the single place that owns transitions, and the ports. What must not: gRPC,
 * LevelDB, Artery, wall clocks, threads.
 *
 * <p>{@code Follower}, {@code Learner} and {@code Installing} are the passive roles, {@code
 * PreCandidate} and {@code Candidate} the contending ones, {@code Leader} the last; each family has
 * one switch over its messages.
 *
 * <p>Follows Ongaro, "Consensus: Bridging Theory and Practice" (2014): sections 3 (basic
 * algorithm), 3.10 (leader transfer), 4.1 (one membership change at a time), 4.2 (learners,
 * stickiness, removed leaders), 5 (snapshots), 6.2 (quorum check), 6.4 (read index), 9.6
 * (pre-vote), 10.2.1 (the leader's disk write in parallel). Unlike the thesis, and like etcd, a
 * membership takes effect when it is applied, not when it is appended; {@code
 * RaftLog.provenCommitted} says what makes that safe after a restart.
 */
@NullMarked
package io.kvorum.actors.raft;

import org.jspecify.annotations.NullMarked;
