package io.kvorum.kvorumutl.etcd;

import com.google.protobuf.CodedInputStream;
import java.io.IOException;

/**
 * A lease in the bucket {@code lease}.
 *
 * @param remainingTtlSeconds as of the last checkpoint; 0 for the whole time to live
 */
public record Lease(long id, long ttlSeconds, long remainingTtlSeconds) {

  /**
   * Reads a leasepb.Lease: ID 1, TTL 2, RemainingTTL 3, all int64.
   *
   * @throws IOException if it is none
   */
  static Lease parse(byte[] message) throws IOException {
    CodedInputStream in = CodedInputStream.newInstance(message);
    long id = 0;
    long ttl = 0;
    long remaining = 0;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (tag) {
        case 1 << 3 -> id = in.readInt64();
        case 2 << 3 -> ttl = in.readInt64();
        case 3 << 3 -> remaining = in.readInt64();
        default -> in.skipField(tag);
      }
    }
    if (id == 0 || ttl < 0 || remaining < 0) {
      throw new IOException("lease " + id + " of " + ttl + " seconds, " + remaining + " left");
    }
    return new Lease(id, ttl, remaining);
  }
}
