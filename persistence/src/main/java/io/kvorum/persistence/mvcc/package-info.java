/**
 * The versioned keyspace of one group: revisions, ranges, transactions, history and compaction as
 * etcd's mvcc store shows them, on one LevelDB. {@link io.kvorum.persistence.mvcc.Keyspace} is the
 * door.
 *
 * <p>One writer applies log entries in batches; a batch's effects and its log position reach
 * LevelDB in one atomic write. Any number of readers see consistent views. The tables and why they
 * are so: {@link io.kvorum.persistence.mvcc.Tables}.
 *
 * <p>Not here: checks that need no state (empty keys, sort options, duplicate keys in a
 * transaction), the time that leases run out, permissions, the replicated log, watchers.
 */
@NullMarked
package io.kvorum.persistence.mvcc;

import org.jspecify.annotations.NullMarked;
