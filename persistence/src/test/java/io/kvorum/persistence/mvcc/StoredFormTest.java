package io.kvorum.persistence.mvcc;

import static io.kvorum.persistence.mvcc.Requests.all;
import static io.kvorum.persistence.mvcc.Requests.bytes;
import static io.kvorum.persistence.mvcc.Requests.delete;
import static io.kvorum.persistence.mvcc.Requests.get;
import static io.kvorum.persistence.mvcc.Requests.op;
import static io.kvorum.persistence.mvcc.Requests.put;
import static io.kvorum.persistence.mvcc.Requests.txn;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.Recovery;
import io.kvorum.protocol.GroupId;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What lies on the disk, byte by byte: records as etcd stores them, and our rows around them. */
class StoredFormTest {

  @TempDir Path directory;

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  @Test
  void recordsHaveTheirFieldsInOrderAndNoZeros() {
    KeyValue full =
        KeyValue.newBuilder()
            .setLease(7)
            .setValue(bytes("v"))
            .setVersion(300)
            .setModRevision(5)
            .setCreateRevision(2)
            .setKey(bytes("k"))
            .build();
    assertEquals(
        "0a016b" + "1002" + "1805" + "20ac02" + "2a0176" + "3007", hex(RecordCodec.encode(full)));
    KeyValue bare = full.toBuilder().clearValue().clearLease().build();
    assertEquals("0a016b" + "1002" + "1805" + "20ac02", hex(RecordCodec.encode(bare)));
    assertEquals(full, RecordCodec.decode(RecordCodec.encode(full)));
  }

  @Test
  void negativeLeasesTakeTenBytes() {
    KeyValue record = KeyValue.newBuilder().setKey(bytes("k")).setLease(-2).build();
    assertEquals("0a016b" + "30" + "feffffffffffffffff01", hex(RecordCodec.encode(record)));
  }

  @Test
  void aTombstoneHoldsTheKeyAlone() {
    assertEquals("0a016b", hex(RecordCodec.encodeTombstone(bytes("k"))));
  }

  @Test
  void keysAndValuesAsEtcdStoresThem() {
    try (TestKeyspace store = new TestKeyspace(directory)) {
      store.put(put("k", "v").setLease(TestKeyspace.OTHER_LEASE));
      store.txn(txn(op(put("a", "")), op(delete("k"))));
      assertEquals(
          List.of(
              "0000000000000002"
                  + "5f"
                  + "0000000000000000"
                  + " "
                  + "0a016b"
                  + "1002"
                  + "1802"
                  + "2001"
                  + "2a0176"
                  + "30feffffffffffffffff01",
              "0000000000000003"
                  + "5f"
                  + "0000000000000000"
                  + " "
                  + "0a0161"
                  + "1003"
                  + "1803"
                  + "2001",
              "0000000000000003" + "5f" + "0000000000000001" + "74" + " " + "0a016b"),
          store.storedRecords().stream().map(StoredRecords.Stored::hex).toList());
    }
  }

  @Test
  void rowsOfTheTables() {
    try (TestKeyspace store = new TestKeyspace(directory)) {
      store.put("k", "v");
      store.delete(delete("k"));
    }
    String group = "00000000";
    String first = "0000000000000002" + "5f" + "0000000000000000";
    String second = "0000000000000003" + "5f" + "0000000000000000" + "74";
    try (LevelDb db =
        LevelDb.open(
            TestKeyspace.levelDb(directory), TestKeyspace.OPTIONS.storage(), Recovery.KEEP_PREFIX)) {
      assertEquals("0a016b1002180220012a0176", hex(stored(db, group + "72" + first)));
      assertEquals("0a016b", hex(stored(db, group + "72" + second)));
      assertEquals(
          "0000001d",
          hex(
              stored(
                  db,
                  group + "76" + "6b" + "0001" + "fffffffffffffffd" + "ffffffffffffffff" + "70")));
      assertEquals(
          "00000015",
          hex(
              stored(
                  db,
                  group + "76" + "6b" + "0001" + "fffffffffffffffc" + "ffffffffffffffff" + "74")));
      assertNull(db.get(HexFormat.of().parseHex(group + "63" + "6b")));
      assertArrayEquals(
          "1".getBytes(UTF_8), stored(db, group + "73" + hex("format".getBytes(UTF_8))));
    }
  }

  @Test
  void aLargeRecordIsNotStoredTwice() {
    String large = "x".repeat(CurrentRow.MAX_INLINE_BYTES);
    try (TestKeyspace store = new TestKeyspace(directory)) {
      store.put("s", "v");
      store.put("l", large);
      store.put("m", "y".repeat(CurrentRow.MAX_INLINE_BYTES - 12));
      assertEquals(large, store.range(get("l")).getKvs(0).getValue().toStringUtf8());
      assertEquals(
          List.of(large.length(), large.length() - 12, 1),
          store.range(all()).getKvsList().stream().map(kv -> kv.getValue().size()).toList());
      assertEquals(
          large,
          store.put(put("l", "small").setPrevKv(true)).getPrevKv().getValue().toStringUtf8());
      assertEquals("small", store.range(get("l")).getKvs(0).getValue().toStringUtf8());
      store.put("l", large);
    }
    try (LevelDb db =
        LevelDb.open(
            TestKeyspace.levelDb(directory), TestKeyspace.OPTIONS.storage(), Recovery.KEEP_PREFIX)) {
      assertEquals("0a01731002180220012a0176", hex(stored(db, "00000000" + "63" + "73")));
      assertEquals(
          "00" + "0000000000000006" + "0000000000000000",
          hex(stored(db, "00000000" + "63" + "6c")));
      assertEquals(CurrentRow.MAX_INLINE_BYTES, stored(db, "00000000" + "63" + "6d").length);
    }
  }

  private static byte[] stored(LevelDb db, String key) {
    byte[] value = db.get(HexFormat.of().parseHex(key));
    assertNotNull(value, key);
    return value;
  }

  @Test
  void escapedKeysKeepTheirOrderWhateverFollows() {
    Tables tables = new Tables(new GroupId(1));
    byte[][] ordered = {
      {0},
      {0, 0},
      {0, 0, 0},
      {0, 0, 1},
      {0, 1},
      {0, (byte) 0xff},
      {1},
      {1, 0},
      {1, 0, (byte) 0xff},
      {1, 1},
      {(byte) 0xff},
      {(byte) 0xff, 0},
      {(byte) 0xff, (byte) 0xff}
    };
    for (int i = 0; i < ordered.length; i++) {
      byte[] newest = tables.version(ordered[i], Long.MAX_VALUE, 5, false);
      byte[] oldest = tables.version(ordered[i], 0, 0, true);
      assertArrayEquals(ordered[i], Tables.userKeyOfVersion(newest));
      assertEquals(Long.MAX_VALUE, Tables.mainOfVersion(newest));
      assertEquals(5, Tables.subOfVersion(newest));
      before(tables.versionsFrom(ordered[i]), newest);
      before(newest, oldest);
      before(tables.versionsOf(ordered[i], Long.MAX_VALUE), newest);
      before(oldest, Tables.behindVersionsOfSameKey(newest));
      before(oldest, tables.versionsEnd());
      if (i + 1 < ordered.length) {
        before(oldest, tables.versionsFrom(ordered[i + 1]));
        before(
            Tables.behindVersionsOfSameKey(newest),
            tables.version(ordered[i + 1], Long.MAX_VALUE, 0, false));
      }
    }
  }

  private static void before(byte[] one, byte[] other) {
    assertEquals(
        true, Arrays.compareUnsigned(one, other) < 0, () -> hex(one) + " before " + hex(other));
  }

  @Test
  void otherGroupsRowsAreApart() {
    byte[] key = ByteString.copyFromUtf8("k").toByteArray();
    assertEquals(
        "00000102" + "76" + "6b" + "0001" + "fffffffffffffffd" + "ffffffffffffffff" + "70",
        hex(new Tables(new GroupId(0x102)).version(key, 2, 0, false)));
  }
}
