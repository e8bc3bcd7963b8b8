package io.kvorum.persistence.mvcc;

import java.util.Arrays;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The rolling hash of a store: at each revision the sum, modulo 2^64, of the {@link RevisionDigest
 * digests} of all revisions from its origin on. Two members that have applied the same log have the
 * same one at every revision; once they differ they go on doing so. As it is a sum, two that began
 * at different origins differ by a constant as long as they agree.
 *
 * <p>The newest one stands on disk, in the batch that made it. Older ones are remembered in memory,
 * each of the newest {@value #RECENT} and fewer of those before, so that two members that differ
 * can find out since when. Thread-safe; one thread appends.
 */
public final class RevisionChain {
  /** Revisions of which each is known. */
  static final int RECENT = 1 << 16;

  /** Before them, one of so many is known, and one of many more before those. */
  private static final int SPARSE_BITS = 8;

  private static final int RARE_BITS = 16;

  /** How many are known of those. */
  private static final int SPARSE = 1 << 12;

  private static final int RARE = 1 << 12;

  /**
   * The hash at the newest revision.
   *
   * @param index up to which the log was applied when it was that
   * @param origin the revision at which the hash was 0
   */
  public record Head(long index, long origin, long revision, long hash) {}

  private final ReentrantLock lock = new ReentrantLock();
  private final long origin;

  /** The oldest revision that was ever known here, but for the origin. */
  private final long first;

  private final long[] recent;
  private final long[] sparse = new long[SPARSE];
  private final long[] rare = new long[RARE];
  private Head head;

  /**
   * @param head what is known at the beginning
   */
  public RevisionChain(Head head) {
    this(head, RECENT);
  }

  /**
   * @param recent of how many of the newest revisions each is remembered; a power of two
   */
  public RevisionChain(Head head, int recent) {
    this.recent = new long[recent];
    this.origin = head.origin();
    this.first = head.revision();
    this.head = head;
    remember(head.revision(), head.hash());
  }

  public Head head() {
    lock.lock();
    try {
      return head;
    } finally {
      lock.unlock();
    }
  }

  /**
   * The log was applied further.
   *
   * @param index up to which
   * @param hashes at the revisions that it led to, behind the newest one
   * @param count how many of them
   */
  public void append(long index, long[] hashes, int count) {
    lock.lock();
    try {
      long revision = head.revision();
      long hash = head.hash();
      for (int i = 0; i < count; i++) {
        hash = hashes[i];
        remember(++revision, hash);
      }
      head = new Head(index, origin, revision, hash);
    } finally {
      lock.unlock();
    }
  }

  private void remember(long revision, long hash) {
    recent[(int) revision & (recent.length - 1)] = hash;
    if (isMultiple(revision, SPARSE_BITS)) {
      sparse[(int) (revision >> SPARSE_BITS) & (SPARSE - 1)] = hash;
    }
    if (isMultiple(revision, RARE_BITS)) {
      rare[(int) (revision >> RARE_BITS) & (RARE - 1)] = hash;
    }
  }

  private static boolean isMultiple(long revision, int bits) {
    return (revision & ((1L << bits) - 1)) == 0;
  }

  /** The hash at a revision, as far as it is still known. */
  public OptionalLong at(long revision) {
    lock.lock();
    try {
      if (revision == origin) {
        return OptionalLong.of(0);
      }
      if (floor(revision) != revision) {
        return OptionalLong.empty();
      }
      long distance = head.revision() - revision;
      if (distance < recent.length) {
        return OptionalLong.of(recent[(int) revision & (recent.length - 1)]);
      }
      return OptionalLong.of(
          distance < (long) SPARSE << SPARSE_BITS && isMultiple(revision, SPARSE_BITS)
              ? sparse[(int) (revision >> SPARSE_BITS) & (SPARSE - 1)]
              : rare[(int) (revision >> RARE_BITS) & (RARE - 1)]);
    } finally {
      lock.unlock();
    }
  }

  /** The newest revision not behind this one that is known besides the origin; -1 if none is. */
  private long floor(long revision) {
    long newest = head.revision();
    long at = Math.min(revision, newest);
    if (newest - at >= recent.length) {
      at = at >> SPARSE_BITS << SPARSE_BITS;
    }
    if (newest - at >= (long) SPARSE << SPARSE_BITS) {
      at = at >> RARE_BITS << RARE_BITS;
    }
    return at < first || newest - at >= (long) RARE << RARE_BITS ? -1 : at;
  }

  /**
   * Some revisions strictly between two others, spread evenly, of which the hash is known.
   *
   * @param most how many at most
   * @return ascending; empty if none is known there
   */
  public long[] between(long from, long to, int most) {
    lock.lock();
    try {
      long[] found = new long[most];
      int count = 0;
      long step = Math.max(1, (to - from) / (most + 1));
      for (long wanted = from + step; wanted < to && count < most; wanted += step) {
        long known = floor(wanted);
        if (known > from && (count == 0 || known > found[count - 1])) {
          found[count++] = known;
        }
      }
      return Arrays.copyOf(found, count);
    } finally {
      lock.unlock();
    }
  }
}
