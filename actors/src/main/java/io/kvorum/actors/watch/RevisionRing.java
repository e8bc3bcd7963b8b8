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

  private volatile long shownSize;
  private volatile long shownBytes;

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

  /** How many revisions were held after the last change. Any thread. */
  long shownSize() {
    return shownSize;
  }

  /** What their events took. Any thread. */
  long shownBytes() {
    return shownBytes;
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
    show();
  }

  /** The hub only: forgets everything and goes on behind {@code revision}. */
  void restart(long revision) {
    while (oldest <= newest) {
      dropOldest();
    }
    oldest = revision + 1;
    newest = revision;
    show();
  }

  private void show() {
    shownSize = size();
    shownBytes = bytes;
  }

  /**
   * Consecutive revisions from {@code from} to {@code to} at most, or as far as they are there and
   * the bounds allow, but at least one; null if the first is not here (any more, or yet).
   */
  @Nullable List<RevisionEntry> read(long from, long to, int revisionsMax, long bytesMax) {
    long last = Math.min(to, newest);
    var found = new ArrayList<RevisionEntry>();
    long foundBytes = 0;
    for (long revision = from; revision <= last && found.size() < revisionsMax; revision++) {
      var entry = get(revision);
      if (entry == null) {
        break;
      }
      foundBytes += entry.bytes();
      if (foundBytes > bytesMax && !found.isEmpty()) {
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
