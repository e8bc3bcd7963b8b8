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
  private byte @Nullable [] currentValue;

  /** Versions come in ascending order. */
  void put(long main, long sub, KeyValue record, byte[] encoded) {
    versions.add(new Version(main, record));
    currentValue = CurrentRow.encode(main, sub, encoded);
  }

  void delete(long main) {
    versions.add(new Version(main, null));
    currentValue = null;
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

  /** The value of the key's row of current, or null if it is to go. */
  byte @Nullable [] currentValue() {
    return currentValue;
  }
}
