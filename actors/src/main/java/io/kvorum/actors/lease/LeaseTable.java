package io.kvorum.actors.lease;

import java.util.Arrays;
import java.util.function.IntConsumer;
import java.util.function.LongConsumer;

/**
 * Leases by id and, those that have a deadline, by deadline: a hash table and a binary heap over
 * plain arrays, about 70 bytes for each lease, so that a million take no more than some tens of
 * megabytes and no object of the garbage collector's. One thread.
 *
 * <p>A lease is named by its slot, which stays the same as long as the lease is there.
 */
final class LeaseTable {
  /** In place of a slot. */
  static final int NONE = -1;

  /** A deadline that never comes. */
  static final long NEVER = Long.MAX_VALUE;

  private static final int LEAST_SLOTS = 64;

  /** By slot. */
  private long[] ids = new long[LEAST_SLOTS];

  private long[] ttlSeconds = new long[LEAST_SLOTS];
  private long[] leftSeconds = new long[LEAST_SLOTS];
  private long[] grantedAt = new long[LEAST_SLOTS];
  private long[] expiresAt = new long[LEAST_SLOTS];
  private long[] deadlines = new long[LEAST_SLOTS];
  private int[] heapPlaces = new int[LEAST_SLOTS];

  /** Slots that were used and are free: a chain through {@link #heapPlaces}. */
  private int firstFree = NONE;

  private int slotsUsed;
  private int size;

  /** Open addressing with linear probing, at most half full; slot + 1, 0 for empty. */
  private int[] buckets = new int[2 * LEAST_SLOTS];

  /** Slots whose deadline comes, the earliest first. */
  private int[] heap = new int[LEAST_SLOTS];

  private int heapSize;

  int size() {
    return size;
  }

  int find(long id) {
    for (int bucket = bucketOf(id); ; bucket = next(bucket)) {
      int entry = buckets[bucket];
      if (entry == 0) {
        return NONE;
      }
      if (ids[entry - 1] == id) {
        return entry - 1;
      }
    }
  }

  /**
   * Adds a lease without a deadline, or sets what is known of one that is there.
   *
   * @return its slot
   */
  int put(long id, long ttl, long left, long granted) {
    int slot = find(id);
    if (slot == NONE) {
      slot = take();
      ids[slot] = id;
      heapPlaces[slot] = NONE;
      deadlines[slot] = NEVER;
      insert(slot);
      size++;
    }
    ttlSeconds[slot] = ttl;
    leftSeconds[slot] = left;
    grantedAt[slot] = granted;
    expiresAt[slot] = NEVER;
    deadline(slot, NEVER);
    return slot;
  }

  void remove(int slot) {
    deadline(slot, NEVER);
    takeOut(slot);
    heapPlaces[slot] = firstFree;
    firstFree = slot;
    size--;
  }

  void clear() {
    ids = new long[LEAST_SLOTS];
    ttlSeconds = new long[LEAST_SLOTS];
    leftSeconds = new long[LEAST_SLOTS];
    grantedAt = new long[LEAST_SLOTS];
    expiresAt = new long[LEAST_SLOTS];
    deadlines = new long[LEAST_SLOTS];
    heapPlaces = new int[LEAST_SLOTS];
    buckets = new int[2 * LEAST_SLOTS];
    heap = new int[LEAST_SLOTS];
    firstFree = NONE;
    slotsUsed = 0;
    size = 0;
    heapSize = 0;
  }

  long id(int slot) {
    return ids[slot];
  }

  long ttlSeconds(int slot) {
    return ttlSeconds[slot];
  }

  /** What was logged to be left; 0 for all of the TTL. */
  long leftSeconds(int slot) {
    return leftSeconds[slot];
  }

  void leftSeconds(int slot, long seconds) {
    leftSeconds[slot] = seconds;
  }

  long grantedAt(int slot) {
    return grantedAt[slot];
  }

  /** When its time is up; {@link #NEVER} as long as nobody counts it. */
  long expiresAt(int slot) {
    return expiresAt[slot];
  }

  void expiresAt(int slot, long atNanos) {
    expiresAt[slot] = atNanos;
  }

  /** When the lease wants to be looked at next; {@link #NEVER} takes it out of the order. */
  void deadline(int slot, long atNanos) {
    long before = deadlines[slot];
    deadlines[slot] = atNanos;
    int place = heapPlaces[slot];
    if (place == NONE) {
      if (atNanos != NEVER) {
        push(slot);
      }
    } else if (atNanos == NEVER) {
      pull(place);
    } else if (atNanos < before) {
      up(place, slot);
    } else {
      down(place, slot);
    }
  }

  /** The slot whose deadline comes first; {@link #NONE} if none has one. */
  int first() {
    return heapSize == 0 ? NONE : heap[0];
  }

  long firstDeadline() {
    return heapSize == 0 ? NEVER : deadlines[heap[0]];
  }

  /** No lease has a time any more. */
  void forgetTimes() {
    heapSize = 0;
    forEachSlot(
        slot -> {
          expiresAt[slot] = NEVER;
          deadlines[slot] = NEVER;
          heapPlaces[slot] = NONE;
        });
  }

  /** Every slot in use, in no order that means anything; the table must not change meanwhile. */
  void forEachSlot(IntConsumer sink) {
    for (int entry : buckets) {
      if (entry != 0) {
        sink.accept(entry - 1);
      }
    }
  }

  /** The ids in the order of their expiry. */
  void forEachByExpiry(LongConsumer sink) {
    int[] slots = new int[size];
    int[] count = new int[1];
    forEachSlot(slot -> slots[count[0]++] = slot);
    Arrays.stream(slots)
        .boxed()
        .sorted((a, b) -> Long.compare(expiresAt[a], expiresAt[b]))
        .forEach(slot -> sink.accept(ids[slot]));
  }

  private int take() {
    if (firstFree != NONE) {
      int slot = firstFree;
      firstFree = heapPlaces[slot];
      return slot;
    }
    if (slotsUsed == ids.length) {
      grow();
    }
    return slotsUsed++;
  }

  private void grow() {
    int slots = 2 * ids.length;
    ids = Arrays.copyOf(ids, slots);
    ttlSeconds = Arrays.copyOf(ttlSeconds, slots);
    leftSeconds = Arrays.copyOf(leftSeconds, slots);
    grantedAt = Arrays.copyOf(grantedAt, slots);
    expiresAt = Arrays.copyOf(expiresAt, slots);
    deadlines = Arrays.copyOf(deadlines, slots);
    heapPlaces = Arrays.copyOf(heapPlaces, slots);
    heap = Arrays.copyOf(heap, slots);
    int[] old = buckets;
    buckets = new int[2 * slots];
    for (int entry : old) {
      if (entry != 0) {
        insert(entry - 1);
      }
    }
  }

  private void insert(int slot) {
    int bucket = bucketOf(ids[slot]);
    while (buckets[bucket] != 0) {
      bucket = next(bucket);
    }
    buckets[bucket] = slot + 1;
  }

  /** Moves back what stands behind it and would not be found past the gap (Knuth 6.4, R). */
  private void takeOut(int slot) {
    int gap = bucketOf(ids[slot]);
    while (buckets[gap] != slot + 1) {
      gap = next(gap);
    }
    for (int bucket = next(gap); buckets[bucket] != 0; bucket = next(bucket)) {
      int home = bucketOf(ids[buckets[bucket] - 1]);
      int mask = buckets.length - 1;
      if (((bucket - home) & mask) >= ((bucket - gap) & mask)) {
        buckets[gap] = buckets[bucket];
        gap = bucket;
      }
    }
    buckets[gap] = 0;
  }

  private int bucketOf(long id) {
    long spread = id * 0x9E3779B97F4A7C15L;
    return (int) (spread >>> 32) & (buckets.length - 1);
  }

  private int next(int bucket) {
    return (bucket + 1) & (buckets.length - 1);
  }

  private void push(int slot) {
    up(heapSize++, slot);
  }

  private void pull(int place) {
    heapPlaces[heap[place]] = NONE;
    int last = heap[--heapSize];
    if (place < heapSize) {
      down(place, last);
      if (heap[place] == last) {
        up(place, last);
      }
    }
  }

  private void up(int from, int slot) {
    int place = from;
    while (place > 0) {
      int parent = (place - 1) >>> 1;
      if (deadlines[heap[parent]] <= deadlines[slot]) {
        break;
      }
      set(place, heap[parent]);
      place = parent;
    }
    set(place, slot);
  }

  private void down(int from, int slot) {
    int place = from;
    while (true) {
      int child = 2 * place + 1;
      if (child >= heapSize) {
        break;
      }
      if (child + 1 < heapSize && deadlines[heap[child + 1]] < deadlines[heap[child]]) {
        child++;
      }
      if (deadlines[heap[child]] >= deadlines[slot]) {
        break;
      }
      set(place, heap[child]);
      place = child;
    }
    set(place, slot);
  }

  private void set(int place, int slot) {
    heap[place] = slot;
    heapPlaces[slot] = place;
  }
}
