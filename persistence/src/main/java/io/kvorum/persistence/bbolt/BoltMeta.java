package io.kvorum.persistence.bbolt;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What a meta page says, behind its page header: magic 4, version 4, page size 4, flags 4, the root
 * bucket's page 8 and sequence 8, the free list's page 8, the number of pages 8, transaction 8, and
 * an FNV-1a of 64 bits over all of that.
 *
 * @param pages how many there are, used or free: pages have smaller ids
 */
record BoltMeta(int pageBytes, long rootPage, long pages, long transaction) {
  static final int BYTES = 64;

  private static final int MAGIC = 0xED0C_DAED;
  private static final int VERSION = 2;
  private static final int CHECKSUM_AT = 56;
  private static final int META_PAGE = 0x04;
  private static final int LEAST_PAGE_BYTES = 512;
  private static final int MOST_PAGE_BYTES = 1 << 25;
  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;

  /** Null if it is not whole. */
  static @Nullable BoltMeta decode(ByteBuffer page) {
    int at = BoltPage.HEADER_BYTES;
    if (BoltPage.flags(page) != META_PAGE
        || page.getInt(at) != MAGIC
        || page.getInt(at + 4) != VERSION
        || page.getLong(at + CHECKSUM_AT) != checksum(page, at, CHECKSUM_AT)) {
      return null;
    }
    BoltMeta meta =
        new BoltMeta(
            page.getInt(at + 8),
            page.getLong(at + 16),
            page.getLong(at + 40),
            page.getLong(at + 48));
    boolean plausible =
        meta.pageBytes >= LEAST_PAGE_BYTES
            && meta.pageBytes <= MOST_PAGE_BYTES
            && Integer.bitCount(meta.pageBytes) == 1
            && meta.pages > 0;
    return plausible ? meta : null;
  }

  /** FNV-1a. */
  static long checksum(ByteBuffer bytes, int from, int length) {
    long hash = FNV_OFFSET;
    for (int i = from; i < from + length; i++) {
      hash = (hash ^ (bytes.get(i) & 0xff)) * FNV_PRIME;
    }
    return hash;
  }
}
