package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.UnsafeByteOperations;
import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Records as etcd stores them, byte for byte: fields in the order of their numbers, zero fields
 * left out, negative numbers as varints of ten bytes. protobuf-java writes exactly that as long as
 * a message holds no unknown fields, and none is ever parsed from outside. A tombstone's record
 * holds the key alone.
 */
final class RecordCodec {

  private RecordCodec() {}

  static byte[] encode(KeyValue record) {
    return record.toByteArray();
  }

  static byte[] encodeTombstone(ByteString key) {
    return KeyValue.newBuilder().setKey(key).build().toByteArray();
  }

  /** Key and value of the result share {@code bytes}, which must not be changed any more. */
  static KeyValue decode(byte[] bytes) {
    CodedInputStream in = UnsafeByteOperations.unsafeWrap(bytes).newCodedInput();
    in.enableAliasing(true);
    try {
      return KeyValue.parseFrom(in);
    } catch (IOException e) {
      throw new StorageException(
          StorageException.Reason.CORRUPT,
          "a record of the keyspace is damaged: " + e.getMessage(),
          e);
    }
  }

  /**
   * What a record takes, key and value: kept beside it, so that compaction keeps its account
   * without reading records.
   */
  static byte[] encodeSize(int bytes) {
    return ByteBuffer.allocate(Integer.BYTES).putInt(bytes).array();
  }

  static int decodeSize(byte[] size) {
    return ByteBuffer.wrap(size).getInt();
  }
}
