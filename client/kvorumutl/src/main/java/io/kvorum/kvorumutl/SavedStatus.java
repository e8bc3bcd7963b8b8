package io.kvorum.kvorumutl;

import io.kvorum.actors.apply.MembershipState;
import io.kvorum.kvorumutl.etcd.DatabaseStatus;
import io.kvorum.persistence.mvcc.SnapshotRow;
import io.kvorum.persistence.snapshot.SavedSnapshot;
import java.util.function.LongConsumer;
import java.util.zip.CRC32C;

/**
 * What there is to tell of a Kvorum's snapshot. Its hash is the one that the server itself gives
 * for everything it stores (Maintenance.Hash), as of the moment of the snapshot; its version is the
 * cluster's, which etcd's storage version follows.
 */
final class SavedStatus {
  private final CRC32C hash = new CRC32C();
  private long keys;
  private String version = "";

  private SavedStatus() {}

  /** Reads everything. */
  static DatabaseStatus of(SavedSnapshot snapshot, LongConsumer progress) {
    SavedStatus status = new SavedStatus();
    snapshot.read(status::row, progress);
    return new DatabaseStatus(
        status.hash.getValue(),
        snapshot.header().revision(),
        status.keys,
        snapshot.sizeBytes(),
        status.version);
  }

  private void row(byte[] key, byte[] value) {
    SnapshotRow row = SnapshotRow.of(key);
    if (row.kind() == SnapshotRow.Kind.STATE) {
      return;
    }
    hash.update(key);
    hash.update(value);
    if (row.kind() == SnapshotRow.Kind.CURRENT) {
      keys++;
    } else if (row.kind() == SnapshotRow.Kind.META && row.name().equals(MembershipState.META_KEY)) {
      version = MembershipState.parse(value).getClusterVersion();
    }
  }
}
