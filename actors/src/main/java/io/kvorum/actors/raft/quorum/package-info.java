/** Majority arithmetic over voters. No state. */
@NullMarked
package io.kvorum.actors.raft.quorum;

import org.jspecify.annotations.NullMarked;
