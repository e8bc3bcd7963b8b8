package io.kvorum.kvorumutl.etcd;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.UnsafeByteOperations;
import io.kvorum.persistence.bbolt.BoltCursor;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HexFormat;

/**
 * A walk over the bucket {@code key} in the order of revisions. Its keys are 8 bytes main, '_', 8
 * bytes sub, and 't' behind a tombstone; its values are KeyValue messages.
 */
public final class RecordCursor {
  private static final int REVISION_BYTES = 17;

  private final Path file;
  private final BoltCursor cursor;
  private long main;
  private long sub;
  private boolean tombstone;
  private byte[] bytes = new byte[0];
  private KeyValue keyValue = KeyValue.getDefaultInstance();

  RecordCursor(Path file, BoltCursor cursor) {
    this.file = file;
    this.cursor = cursor;
  }

  /** Moves to the next record; false behind the last. */
  public boolean advance() {
    if (!cursor.advance()) {
      return false;
    }
    read();
    return true;
  }

  /** Reads the record at which the cursor stands. */
  void read() {
    byte[] key = cursor.key();
    tombstone = key.length == REVISION_BYTES + 1 && key[REVISION_BYTES] == 't';
    if (cursor.isBucket()
        || (key.length != REVISION_BYTES && !tombstone)
        || key[Long.BYTES] != '_') {
      throw new EtcdDataException(
          file, "is damaged: " + HexFormat.of().formatHex(key) + " in bucket key is no revision");
    }
    ByteBuffer revision = ByteBuffer.wrap(key);
    main = revision.getLong(0);
    sub = revision.getLong(Long.BYTES + 1);
    bytes = cursor.value();
    CodedInputStream in = UnsafeByteOperations.unsafeWrap(bytes).newCodedInput();
    in.enableAliasing(true);
    try {
      keyValue = KeyValue.parseFrom(in);
    } catch (IOException e) {
      throw new EtcdDataException(
          file, "is damaged: the record of revision " + main + "/" + sub + " is none", e);
    }
  }

  public long main() {
    return main;
  }

  public long sub() {
    return sub;
  }

  public boolean isTombstone() {
    return tombstone;
  }

  public KeyValue keyValue() {
    return keyValue;
  }

  /** The KeyValue as it is stored. */
  public byte[] bytes() {
    return bytes;
  }

  /**
   * Whether it only raises the revision: {@code etcdutl snapshot restore --bump-revision} leaves a
   * record without content, and so without a key.
   */
  public boolean isBump() {
    return bytes.length == 0;
  }

  /**
   * Checks that the record is one that etcd can have written there.
   *
   * @throws EtcdDataException if not
   */
  public void check() {
    boolean fits =
        main >= 0
            && sub >= 0
            && !keyValue.getKey().isEmpty()
            && (tombstone
                || (keyValue.getModRevision() == main
                    && keyValue.getCreateRevision() >= 0
                    && keyValue.getCreateRevision() <= main
                    && keyValue.getVersion() >= 1));
    if (!fits) {
      throw new EtcdDataException(
          file,
          "is damaged: the record of revision "
              + main
              + "/"
              + sub
              + " belongs elsewhere: mod revision "
              + keyValue.getModRevision()
              + ", create revision "
              + keyValue.getCreateRevision()
              + ", version "
              + keyValue.getVersion()
              + ", "
              + keyValue.getKey().size()
              + " bytes of key");
    }
  }
}
