package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * The stored records in the order of their revisions, as etcd's bucket {@code key} would hold them.
 */
final class StoredRecords {

  record Stored(byte[] key, byte[] value) {
    String hex() {
      return HexFormat.of().formatHex(key) + " " + HexFormat.of().formatHex(value);
    }

    String text() {
      long main = KeyEncoding.getLong(key, 0);
      long sub = KeyEncoding.getLong(key, 9);
      KeyValue record = RecordCodec.decode(value);
      return main
          + "_"
          + sub
          + (key.length == 18 ? "t" : "")
          + " "
          + record.getKey().toStringUtf8()
          + "="
          + record.getValue().toStringUtf8();
    }
  }

  private StoredRecords() {}

  /** Of a keyspace that is not open at the moment. */
  static List<Stored> in(Path directory) {
    Tables tables = new Tables(GroupId.DEFAULT);
    List<Stored> all = new ArrayList<>();
    try (LevelDb db =
            LevelDb.open(
                TestKeyspace.levelDb(directory),
                TestKeyspace.OPTIONS.storage(),
                Recovery.KEEP_PREFIX);
        Cursor cursor = db.cursor(null)) {
      byte[] end = tables.revisionsEnd();
      for (cursor.seek(tables.revisionsFrom(0)); cursor.valid(); cursor.next()) {
        byte[] row = cursor.key();
        if (Arrays.compareUnsigned(row, end) >= 0) {
          break;
        }
        Stored stored = new Stored(Tables.storedKey(row), cursor.value());
        byte[] version =
            tables.version(
                RecordCodec.decode(stored.value()).getKey().toByteArray(),
                Tables.mainOfRevision(row),
                Tables.subOfRevision(row),
                Tables.isTombstoneRevision(row));
        byte[] size = db.get(version);
        if (size == null
            || RecordCodec.decodeSize(size) != stored.key().length + stored.value().length) {
          throw new AssertionError("no version, or of another size, for " + stored.text());
        }
        all.add(stored);
      }
      long versions = 0;
      byte[] versionsEnd = tables.versionsEnd();
      for (cursor.seek(tables.versionsFrom(new byte[0])); cursor.valid(); cursor.next()) {
        if (Arrays.compareUnsigned(cursor.key(), versionsEnd) >= 0) {
          break;
        }
        versions++;
      }
      if (versions != all.size()) {
        throw new AssertionError(versions + " versions but " + all.size() + " revisions");
      }
    }
    return all;
  }
}
