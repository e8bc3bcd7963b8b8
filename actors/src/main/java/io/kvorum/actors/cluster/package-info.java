/**
 * Members of a cluster talk to each other: Artery TCP, one connection for each lane and direction,
 * and Pekko Cluster beside it. The only place that names Artery, remoting or Pekko Cluster.
 *
 * <p>Every message travels in an envelope that says who sends it to whom, in which cluster and
 * group, and which version wrote it; what does not fit is refused here and reaches no group. Raft
 * and snapshots are carried as they are: loss, delay, duplicates and reordering are theirs to bear.
 */
@NullMarked
package io.kvorum.actors.cluster;

import org.jspecify.annotations.NullMarked;
