package io.kvorum.actors.watch;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The newest revisions without a gap, bounded in number and bytes: the hub appends, any thread
 * reads. When full the oldest go; a reader that wants them finds them missing and reads the
 * keyspace's history instead.
 *
 * <p>A slot is overwritten at any time, so a reader trusts only the revision that stands in what it
 * found. Entries are immutable and published by the atomic array.
 */
final class RevisionRing {
  private final int slots;
  private final long bytesMax;
  private final AtomicReferenceArray<@Nullable RevisionEntry> entries;
  private volatile long newest;

  /** Writer only: the oldest revision still held, or {@code newest + 1}. */
  private long oldest;

  /** Writer only. */
  private long bytes;

  /**
   * @param newest the revision that all appended ones follow
   */
  RevisionRing(int revisionsMax, long bytesMax, long newest) {
    this.slots = revisionsMax;
    this.bytesMax = bytesMax;
    this.entries = new AtomicReferenceArray<>(slots);
    this.newest = newest;
    this.oldest = newest + 1;
  }

  /** The newest revision that was appended, or that the ring began with. */
  long newest() {
    return newest;
  }

  /** The hub only: how many revisions are held. */
  long size() {
    return newest + 1 - oldest;
  }

  /** The entry of a revision, or null if it is not here (any more, or yet). */
  @Nullable RevisionEntry get(long revision) {
    var entry = entries.get(slot(revision));
    return entry != null && entry.revision() == revision ? entry : null;
  }

  /** The hub only; the revision must follow the newest one. */
  void append(RevisionEntry entry) {
    if (entry.revision() != newest + 1) {
      throw new IllegalStateException(
          "revision " + entry.revision() + " does not follow " + newest + " in the ring");
    }
    bytes += entry.bytes();
    while (oldest < entry.revision() && (bytes > bytesMax || entry.revision() - oldest >= slots)) {
      dropOldest();
    }
    entries.set(slot(entry.revision()), entry);
    newest = entry.revision();
  }

  /** The hub only: forgets everything and goes on behind {@code revision}. */
  void restart(long revision) {
    while (oldest <= newest) {
      dropOldest();
    }
    oldest = revision + 1;
    newest = revision;
  }

  /**
   * Consecutive revisions from the request's first to {@code to} at most, or as far as they are
   * there and the bounds of the request allow, but at least one; null if the first is not here (any
   * more, or yet), or not with the previous values that the request wants.
   */
  @Nullable List<RevisionEntry> read(CatchUp.Request request, long to) {
    long last = Math.min(to, newest);
    boolean previous = request.wantsPrevKv();
    var found = new ArrayList<RevisionEntry>();
    long foundBytes = 0;
    for (long revision = request.from();
        revision <= last && found.size() < request.revisionsMax();
        revision++) {
      var entry = get(revision);
      if (entry == null || (previous && !entry.knowsPrevious())) {
        break;
      }
      foundBytes += entry.bytes();
      if (foundBytes > request.bytesMax() && !found.isEmpty()) {
        break;
      }
      found.add(entry);
    }
    return found.isEmpty() ? null : found;
  }

  private void dropOldest() {
    int slot = slot(oldest);
    var entry = entries.get(slot);
    if (entry != null) {
      bytes -= entry.bytes();
      entries.set(slot, null);
    }
    oldest++;
  }

  private int slot(long revision) {
    return (int) (revision % slots);
  }
}
