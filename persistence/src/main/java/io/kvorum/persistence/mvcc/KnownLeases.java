package io.kvorum.persistence.mvcc;

/**
 * Leases that the writer knows to exist, so that a put which names one needs no read. Holds what is
 * committed; {@value #SLOTS} leases at most, and of two that share a slot the one seen last. An
 * empty slot holds 0, which is no lease's id. One thread.
 */
final class KnownLeases {
  private static final int SLOTS = 1 << 14;

  private final long[] ids = new long[SLOTS];

  boolean contains(long id) {
    return id != 0 && ids[slot(id)] == id;
  }

  void add(long id) {
    ids[slot(id)] = id;
  }

  void remove(long id) {
    int slot = slot(id);
    if (ids[slot] == id) {
      ids[slot] = 0;
    }
  }

  /** Spread, as ids that members choose differ in their last bits only. */
  private static int slot(long id) {
    return (int) ((id * 0x9E3779B97F4A7C15L) >>> 50);
  }
}
