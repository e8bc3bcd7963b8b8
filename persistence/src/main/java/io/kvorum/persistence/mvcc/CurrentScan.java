package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.Arrays;
import java.util.function.Function;

/** Live keys at the newest revision: one sequential walk over the current table. */
final class CurrentScan implements Scan {

  private final Cursor cursor;
  private final Function<byte[], byte[]> recordOfValue;
  private final byte[] start;
  private final byte[] end;
  private boolean started;
  private byte[] row = new byte[0];

  /** Takes over the cursor. */
  CurrentScan(
      Cursor cursor, Tables tables, Interval interval, Function<byte[], byte[]> recordOfValue) {
    this.cursor = cursor;
    this.recordOfValue = recordOfValue;
    this.start = tables.current(interval.from());
    byte[] to = interval.to();
    this.end = to == null ? tables.currentEnd() : tables.current(to);
  }

  @Override
  public boolean advance() {
    if (started) {
      cursor.next();
    } else {
      started = true;
      cursor.seek(start);
    }
    if (!cursor.valid()) {
      return false;
    }
    row = cursor.key();
    return Arrays.compareUnsigned(row, end) < 0;
  }

  @Override
  public byte[] key() {
    return Tables.userKeyOfCurrent(row);
  }

  @Override
  public KeyValue record() {
    return RecordCodec.decode(encoded());
  }

  @Override
  public byte[] encoded() {
    return recordOfValue.apply(cursor.value());
  }

  @Override
  public void close() {
    cursor.close();
  }
}
