package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbSnapshot;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The rows of leases and attachments: at a snapshot, or as they are now for the one writer. */
final class LeaseRows {
  private final LevelDb db;
  private final Tables tables;
  private final @Nullable LevelDbSnapshot snapshot;

  LeaseRows(LevelDb db, Tables tables, @Nullable LevelDbSnapshot snapshot) {
    this.db = db;
    this.tables = tables;
    this.snapshot = snapshot;
  }

  @Nullable StoredLease get(long id) {
    LevelDbSnapshot at = snapshot;
    byte[] row = tables.lease(id);
    byte[] value = at == null ? db.get(row) : db.get(row, at);
    return value == null ? null : StoredLease.decode(id, value);
  }

  /** All leases, in no order that means anything. It leaves the block cache to others. */
  void forEach(Consumer<StoredLease> sink) {
    byte[] end = tables.leasesEnd();
    try (Cursor cursor = db.cursor(snapshot, false)) {
      for (cursor.seek(tables.leasesFrom()); cursor.valid(); cursor.next()) {
        byte[] row = cursor.key();
        if (Arrays.compareUnsigned(row, end) >= 0) {
          return;
        }
        sink.accept(StoredLease.decode(Tables.idOfLease(row), cursor.value()));
      }
    }
  }

  /** The keys of a lease, ascending. */
  void forEachKey(long id, Consumer<ByteString> sink) {
    byte[] prefix = tables.attachmentsOf(id);
    try (Cursor cursor = db.cursor(snapshot)) {
      for (cursor.seek(prefix); cursor.valid(); cursor.next()) {
        byte[] row = cursor.key();
        if (!Tables.isAttachmentOf(row, prefix)) {
          return;
        }
        sink.accept(ByteString.copyFrom(row, prefix.length, row.length - prefix.length));
      }
    }
  }
}
