/**
 * The state machine's side of the log: committed entries become effects on the keyspace and the
 * membership, and answers to the callers that wait. Knows nothing of roles, disks of the log, or
 * gRPC.
 */
@NullMarked
package io.kvorum.actors.apply;

import org.jspecify.annotations.NullMarked;
