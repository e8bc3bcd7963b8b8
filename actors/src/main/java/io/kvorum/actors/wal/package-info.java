/**
 * The persistent actor that owns a group's write-ahead log, and the form of its records. Knows
 * raft's entries and Pekko Persistence; knows nothing of the journal behind it.
 */
@NullMarked
package io.kvorum.actors.wal;

import org.jspecify.annotations.NullMarked;
