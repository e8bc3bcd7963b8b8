package io.kvorum.kvorumutl.etcd;

import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/**
 * The buckets {@code members}, {@code members_removed} and {@code cluster}: of the cluster that the
 * file comes from, and of no use to another.
 *
 * @param members JSON by id, in hexadecimal
 * @param removed ids, in hexadecimal
 * @param version {@code clusterVersion}
 * @param downgrade JSON
 */
public record ClusterRecords(
    SortedMap<String, String> members,
    List<String> removed,
    Optional<String> version,
    Optional<String> downgrade) {}
