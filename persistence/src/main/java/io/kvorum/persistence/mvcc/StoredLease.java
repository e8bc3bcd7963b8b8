package io.kvorum.persistence.mvcc;

import java.nio.ByteBuffer;

/**
 * A lease as all members hold it; when it ends is its leader's affair.
 *
 * @param id any number but 0
 * @param ttlSeconds as granted, after it was raised to the least allowed
 * @param remainingSeconds what a leader has last logged to be left of it, at least 1; 0 if nothing
 *     was logged since the lease was granted or renewed: then all of it
 * @param grantedAt index of the log entry that granted it, 0 if it came from elsewhere: tells it
 *     from earlier leases of the same id
 */
public record StoredLease(long id, long ttlSeconds, long remainingSeconds, long grantedAt) {

  private static final byte VERSION = 1;
  private static final int BYTES = 1 + 3 * Long.BYTES;

  public StoredLease {
    if (id == 0 || remainingSeconds < 0) {
      throw new IllegalArgumentException(
          "lease " + id + " with " + remainingSeconds + " seconds left");
    }
  }

  /** What a leader that takes over has to give it, in seconds. */
  public long leftSeconds() {
    return remainingSeconds > 0 ? Math.min(remainingSeconds, ttlSeconds) : ttlSeconds;
  }

  StoredLease withRemaining(long seconds) {
    return new StoredLease(id, ttlSeconds, seconds, grantedAt);
  }

  byte[] encode() {
    return ByteBuffer.allocate(BYTES)
        .put(VERSION)
        .putLong(ttlSeconds)
        .putLong(remainingSeconds)
        .putLong(grantedAt)
        .array();
  }

  static StoredLease decode(long id, byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    if (bytes.length != BYTES || in.get() != VERSION) {
      throw new IllegalStateException(
          "the row of lease " + Long.toHexString(id) + " has a form that is not known here");
    }
    return new StoredLease(id, in.getLong(), in.getLong(), in.getLong());
  }
}
