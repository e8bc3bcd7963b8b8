package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.Arrays;
import java.util.function.Function;

/**
 * Live keys at an older revision: a walk over the versions table that stops at the newest version
 * of each key not behind the revision, and skips the others.
 */
final class PastScan implements Scan {

  /** So many steps cost less than one seek. */
  private static final int STEPS_BEFORE_SEEK = 4;

  private final Cursor cursor;
  private final Function<byte[], byte[]> recordOfVersion;
  private final byte[] start;
  private final byte[] end;
  private final long revision;
  private boolean started;
  private byte[] row = new byte[0];

  /** Takes over the cursor. */
  PastScan(
      Cursor cursor,
      Tables tables,
      Interval interval,
      long revision,
      Function<byte[], byte[]> recordOfVersion) {
    this.cursor = cursor;
    this.recordOfVersion = recordOfVersion;
    this.start = tables.versionsFrom(interval.from());
    byte[] to = interval.to();
    this.end = to == null ? tables.versionsEnd() : tables.versionsFrom(to);
    this.revision = revision;
  }

  @Override
  public boolean advance() {
    if (started) {
      leaveKey();
    } else {
      started = true;
      cursor.seek(start);
      readRow();
    }
    while (row.length > 0 && Arrays.compareUnsigned(row, end) < 0) {
      if (descend()) {
        if (!Tables.isTombstoneVersion(row)) {
          return true;
        }
        leaveKey();
      }
    }
    return false;
  }

  /**
   * From the key's newest version down to the newest that the revision sees; false if that led out
   * of the key.
   */
  private boolean descend() {
    byte[] newest = row;
    for (int steps = 0; Tables.mainOfVersion(row) > revision; steps++) {
      if (steps < STEPS_BEFORE_SEEK) {
        cursor.next();
      } else {
        cursor.seek(Tables.versionsOfSameKey(newest, revision));
      }
      readRow();
      if (!Tables.sameKey(newest, row)) {
        return false;
      }
    }
    return true;
  }

  private void leaveKey() {
    byte[] left = row;
    for (int steps = 0; Tables.sameKey(left, row); steps++) {
      if (steps < STEPS_BEFORE_SEEK) {
        cursor.next();
      } else {
        cursor.seek(Tables.behindVersionsOfSameKey(left));
      }
      readRow();
    }
  }

  /** The row that the cursor stands at; empty behind the last. */
  private void readRow() {
    row = cursor.valid() ? cursor.key() : new byte[0];
  }

  @Override
  public byte[] key() {
    return Tables.userKeyOfVersion(row);
  }

  @Override
  public KeyValue record() {
    return RecordCodec.decode(encoded());
  }

  @Override
  public byte[] encoded() {
    return recordOfVersion.apply(row);
  }

  @Override
  public void close() {
    cursor.close();
  }
}
