package io.kvorum.persistence.mvcc;

/**
 * Figures for metrics. Totals count from the opening of the keyspace, as etcd's do from the start
 * of its process.
 *
 * @param puts put operations, those inside transactions included
 * @param deletes delete operations, whether they hit anything or not
 * @param ranges reads: range operations, comparisons, and the reads behind prev_kv, ignore_value
 *     and ignore_lease
 * @param txns requests with more than one of the above
 * @param putBytes key and value bytes of all puts
 * @param liveKeys keys at the newest revision
 * @param sizeInUseBytes account of the records that are stored, live and past
 * @param sizeBytes the most that {@code sizeInUseBytes} has been since the store was last
 *     defragmented: what a store that gives space back in no other way would take
 * @param compactedRecords records removed by all compactions
 * @param openViews views handed out and not closed
 */
public record KeyspaceStats(
    long puts,
    long deletes,
    long ranges,
    long txns,
    long putBytes,
    long liveKeys,
    long sizeInUseBytes,
    long sizeBytes,
    long compactedRecords,
    long openViews) {

  /** What an empty store is said to take; etcd's is of that size. */
  public static final long EMPTY_STORE_BYTES = 20_480;
}
