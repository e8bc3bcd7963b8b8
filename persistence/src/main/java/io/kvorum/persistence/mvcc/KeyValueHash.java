package io.kvorum.persistence.mvcc;

/**
 * A hash over all records up to a revision. Two of them can be compared if both revisions are the
 * same: what a compaction was to remove is not in it, whether it is removed already or not.
 *
 * @param crc32c unsigned
 * @param revision up to which records are in it
 * @param compactedRevision the compaction that it takes into account; -1 for none
 */
public record KeyValueHash(int crc32c, long revision, long compactedRevision) {}
