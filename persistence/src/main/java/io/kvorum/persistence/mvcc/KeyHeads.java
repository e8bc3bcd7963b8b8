package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What the writer remembers of the keys written last, so that a put of a known key needs no read:
 * revisions, version and lease of the newest record, not its value. Holds what is committed, and
 * only keys that live. One thread.
 *
 * <p>A table of {@value #SETS} sets of {@value #WAYS}; the key written longest ago leaves a full
 * set. Keys longer than {@value #KEY_BYTES_MAX} bytes are not remembered, so it takes 25 MiB at the
 * very most, about 10 with keys of 20 bytes.
 */
final class KeyHeads {
  private static final int SETS = 1 << 15;
  private static final int WAYS = 4;
  private static final int KEY_BYTES_MAX = 128;

  private final byte[] @Nullable [] keys = new byte[SETS * WAYS][];
  private final long[] created = new long[SETS * WAYS];
  private final long[] modified = new long[SETS * WAYS];
  private final long[] versions = new long[SETS * WAYS];
  private final long[] leases = new long[SETS * WAYS];

  /** The newest record of a key without its value, or null where it is not known here. */
  @Nullable KeyValue get(byte[] key, ByteString name) {
    int slot = find(key);
    return slot < 0
        ? null
        : KeyValue.newBuilder()
            .setKey(name)
            .setCreateRevision(created[slot])
            .setModRevision(modified[slot])
            .setVersion(versions[slot])
            .setLease(leases[slot])
            .build();
  }

  void put(byte[] key, KeyValue record) {
    if (key.length > KEY_BYTES_MAX) {
      return;
    }
    int slot = find(key);
    if (slot < 0) {
      slot = oldest(firstOf(key));
      keys[slot] = key;
    }
    created[slot] = record.getCreateRevision();
    modified[slot] = record.getModRevision();
    versions[slot] = record.getVersion();
    leases[slot] = record.getLease();
  }

  void remove(byte[] key) {
    int slot = find(key);
    if (slot >= 0) {
      keys[slot] = null;
      modified[slot] = 0;
    }
  }

  private int find(byte[] key) {
    int first = firstOf(key);
    for (int slot = first; slot < first + WAYS; slot++) {
      byte[] known = keys[slot];
      if (known != null && Arrays.equals(known, key)) {
        return slot;
      }
    }
    return -1;
  }

  private int oldest(int first) {
    int oldest = first;
    for (int slot = first + 1; slot < first + WAYS; slot++) {
      if (modified[slot] < modified[oldest]) {
        oldest = slot;
      }
    }
    return oldest;
  }

  /** Spread, as keys that differ in their last bytes only have hashes close to each other. */
  private static int firstOf(byte[] key) {
    int hash = Arrays.hashCode(key) * 0x9E3779B9;
    return (hash >>> 17) * WAYS;
  }
}
