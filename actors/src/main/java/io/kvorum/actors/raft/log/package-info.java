/**
 * The in-memory tail of the replicated log with its marks: compacted, stable, committed, delivered.
 * No I/O.
 */
@NullMarked
package io.kvorum.actors.raft.log;

import org.jspecify.annotations.NullMarked;
