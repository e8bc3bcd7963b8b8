package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a batch has done to one key so far. */
final class KeyChanges {

  /** One version; a tombstone has no record. */
  record Version(long main, @Nullable KeyValue record) {}

  private final List<Version> versions = new ArrayList<>(1);

  /** Versions come in ascending order. */
  void add(long main, @Nullable KeyValue record) {
    versions.add(new Version(main, record));
  }

  /** The newest version not behind {@code revision}, or null if this batch made none. */
  @Nullable Version at(long revision) {
    for (int i = versions.size() - 1; i >= 0; i--) {
      if (versions.get(i).main() <= revision) {
        return versions.get(i);
      }
    }
    return null;
  }
}
