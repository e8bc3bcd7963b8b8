package io.kvorum.kvorumutl.etcd;

import java.util.Optional;

/**
 * The bucket {@code meta}.
 *
 * @param consistentIndex the newest raft entry that was applied; 0 if it is not there
 * @param term of that entry; 0 before etcd 3.5
 * @param scheduledCompaction the newest revision that a compaction was asked for; -1 for none
 * @param finishedCompaction the newest revision whose compaction was finished; -1 for none
 * @param storageVersion of the schema, for example {@code 3.7.0}; empty before etcd 3.6
 * @param confState raft's membership as JSON; empty before etcd 3.5
 */
public record StoreMeta(
    long consistentIndex,
    long term,
    long scheduledCompaction,
    long finishedCompaction,
    Optional<String> storageVersion,
    Optional<String> confState) {

  /** Whether a compaction may have removed some of its records and left others. */
  public boolean isCompacting() {
    return scheduledCompaction > finishedCompaction;
  }
}
