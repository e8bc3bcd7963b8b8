package io.kvorum.persistence.bbolt;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A bucket: keys in the order of their unsigned bytes, each with a value or a bucket. It is a tree
 * of pages, or, while it is small, one leaf inside the leaf that names it.
 */
public final class BoltBucket {

  /** Root page and sequence stand before an inline page. */
  private static final int HEADER_BYTES = 16;

  private final BoltFile file;
  private final long rootPage;
  private final long namedBy;
  private final @Nullable BoltPage inline;

  private BoltBucket(BoltFile file, long rootPage, long namedBy, @Nullable BoltPage inline) {
    this.file = file;
    this.rootPage = rootPage;
    this.namedBy = namedBy;
    this.inline = inline;
  }

  static BoltBucket at(BoltFile file, long rootPage) {
    return new BoltBucket(file, rootPage, 0, null);
  }

  /**
   * @param page on which the value stands
   */
  static BoltBucket of(BoltFile file, long page, byte[] value) {
    if (value.length < HEADER_BYTES) {
      throw BoltException.ofPage(file.path(), page, "has a bucket of " + value.length + " bytes");
    }
    long rootPage = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    if (rootPage != 0) {
      return new BoltBucket(file, rootPage, page, null);
    }
    if (value.length < HEADER_BYTES + BoltPage.HEADER_BYTES) {
      throw BoltException.ofPage(
          file.path(), page, "has a bucket inside, of " + value.length + " bytes");
    }
    BoltPage inline =
        BoltPage.of(file.path(), page, Arrays.copyOfRange(value, HEADER_BYTES, value.length));
    if (inline.isBranch()) {
      throw BoltException.ofPage(file.path(), page, "has a bucket inside that is no leaf");
    }
    return new BoltBucket(file, 0, page, inline);
  }

  /** Stands before the first key. */
  public BoltCursor cursor() {
    return new BoltCursor(this);
  }

  /** The bucket of that name, or null. Looks through all names: for buckets of few. */
  public @Nullable BoltBucket bucket(byte[] name) {
    BoltCursor found = find(name);
    return found == null || !found.isBucket() ? null : found.bucket();
  }

  /** The value of a key, or null. Looks through all keys: for buckets of few. */
  public byte @Nullable [] get(byte[] key) {
    BoltCursor found = find(key);
    return found == null || found.isBucket() ? null : found.value();
  }

  private @Nullable BoltCursor find(byte[] key) {
    BoltCursor cursor = cursor();
    while (cursor.advance()) {
      if (Arrays.equals(cursor.key(), key)) {
        return cursor;
      }
    }
    return null;
  }

  BoltFile file() {
    return file;
  }

  BoltPage rootPage() {
    return inline == null ? file.page(rootPage, namedBy) : inline;
  }
}
