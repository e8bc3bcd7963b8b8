package io.kvorum.persistence.mvcc;

import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What the newest compactions have hashed on their way, in memory only: the one thing that members
 * can still compare of revisions which are compacted by now (etcd: hashStorage). Any thread.
 */
final class CompactionHashes {

  /** As many as etcd remembers; those of the highest revisions stay. */
  static final int MAX_HASHES = 10;

  private final TreeMap<Long, KeyValueHash> byRevision = new TreeMap<>();

  synchronized void add(KeyValueHash hash) {
    byRevision.put(hash.revision(), hash);
    if (byRevision.size() > MAX_HASHES) {
      byRevision.pollFirstEntry();
    }
  }

  synchronized Optional<KeyValueHash> at(long revision) {
    return Optional.ofNullable(byRevision.get(revision));
  }

  synchronized List<KeyValueHash> all() {
    return List.copyOf(byRevision.values());
  }
}
