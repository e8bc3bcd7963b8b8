/** What a leader knows of each follower, and the flow control of replication to it. */
@NullMarked
package io.kvorum.actors.raft.progress;

import org.jspecify.annotations.NullMarked;
