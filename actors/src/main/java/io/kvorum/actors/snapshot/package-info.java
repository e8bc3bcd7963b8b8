/**
 * Snapshots of a group's whole replicated state on their way from a leader to a follower that the
 * log does not reach any more: what members say to each other about them, the sender, the receiver,
 * and the order of steps in which a received one takes the place of state machine and log.
 *
 * <p>Knows the reader and writer of snapshots, the applier, and raft's messages. Not here: when a
 * snapshot is due and whether a received one is wanted (the replica decides both), how messages
 * travel, what a snapshot consists of.
 */
@NullMarked
package io.kvorum.actors.snapshot;

import org.jspecify.annotations.NullMarked;
