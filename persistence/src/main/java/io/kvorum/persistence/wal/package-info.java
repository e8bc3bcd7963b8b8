/**
 * The write-ahead log: a Pekko Persistence journal plugin over one LevelDB for all groups of a
 * process. What arrives while one batch is being synced is written and synced together as the next.
 * Nothing here knows what an event means.
 */
@NullMarked
package io.kvorum.persistence.wal;

import org.jspecify.annotations.NullMarked;
