package io.kvorum.actors.raft.log;

import io.kvorum.protocol.LogPosition;
import java.util.ArrayList;
import java.util.List;

/**
 * The tail of a group's log that is held in memory. Marks, in order of index:
 *
 * <pre>
 *   base       the last entry that was compacted away (its term is still known)
 *   delivered  the last entry handed to the applier
 *   committed  the last entry known to be on a quorum's disks
 *   stable     the last entry on this member's disk; may lie on either side of committed
 *   last       the last entry
 * </pre>
 *
 * Entries are delivered up to {@code min(committed, stable)}: what the state machine has applied is
 * then always in this member's own log, also after a crash.
 *
 * <p>Not thread-safe; owned by the replica's actor.
 */
public final class RaftLog {
  private final ArrayList<Entry> entries;
  private LogPosition base;
  private long stable;
  private long committed;
  private long delivered;
  private long bytes;

  /** Indexes of the entries that change the membership, ascending; few. */
  private final ArrayList<Long> membershipIndexes = new ArrayList<>();

  /**
   * A log as recovered from disk: everything in it is stable.
   *
   * @param base position of the entry before the first one, {@link LogPosition#ZERO} if none was
   *     compacted
   * @param entries consecutive entries from {@code base.index() + 1}
   * @param applied index of the last entry that the state machine has applied, at least {@code
   *     base.index()}
   */
  public RaftLog(LogPosition base, List<Entry> entries, long applied) {
    this.base = base;
    this.entries = new ArrayList<>(entries);
    long expected = base.index() + 1;
    for (Entry entry : entries) {
      check(entry.index() == expected, "entry " + entry.index() + " where " + expected + " is due");
      expected++;
      added(entry);
    }
    this.stable = lastIndex();
    check(
        applied >= base.index() && applied <= lastIndex(),
        "the state machine has applied entry "
            + applied
            + ", the log holds "
            + base.index()
            + " to "
            + lastIndex());
    this.committed = applied;
    this.delivered = applied;
  }

  public long firstIndex() {
    return base.index() + 1;
  }

  public long lastIndex() {
    return base.index() + entries.size();
  }

  public LogPosition last() {
    return entries.isEmpty() ? base : entries.getLast().position();
  }

  public long committed() {
    return committed;
  }

  public long delivered() {
    return delivered;
  }

  public long stable() {
    return stable;
  }

  public LogPosition base() {
    return base;
  }

  /** Size of the entries held, in bytes. */
  public long bytes() {
    return bytes;
  }

  /** Size of the entries from one index to another, both included, in bytes. */
  public long bytes(long from, long to) {
    long size = 0;
    for (long index = from; index <= to; index++) {
      size += entry(index).sizeBytes();
    }
    return size;
  }

  /** Whether the term of the entry at this index is known. */
  public boolean knows(long index) {
    return index >= base.index() && index <= lastIndex();
  }

  /**
   * Term of the entry at an index that the log {@linkplain #knows knows}.
   *
   * @throws IllegalStateException if it does not
   */
  public long term(long index) {
    check(knows(index), "term of entry " + index + " asked");
    return index == base.index() ? base.term() : entry(index).term();
  }

  /** Whether an entry with this index and term is in the log (thesis figure 3.1, log matching). */
  public boolean matches(LogPosition position) {
    return knows(position.index()) && term(position.index()) == position.term();
  }

  /**
   * Whether a log that ends at {@code other} is at least as up to date as this one (thesis 3.6.1).
   */
  public boolean isUpToDate(LogPosition other) {
    LogPosition mine = last();
    return other.term() > mine.term()
        || (other.term() == mine.term() && other.index() >= mine.index());
  }

  /**
   * Entries from {@code from} on, as many as fit into {@code maxBytes} but at least one; empty
   * behind the end.
   */
  public List<Entry> slice(long from, long maxBytes) {
    return slice(from, lastIndex(), maxBytes);
  }

  private List<Entry> slice(long from, long to, long maxBytes) {
    if (from > to) {
      return List.of();
    }
    check(from >= firstIndex(), "entry " + from + " asked");
    long size = 0;
    long end = from;
    while (end <= to) {
      size += entry(end).sizeBytes();
      if (size > maxBytes && end > from) {
        break;
      }
      end++;
    }
    return List.copyOf(entries.subList(position(from), position(end)));
  }

  /** A leader's new entry at the end. */
  public void append(Entry entry) {
    check(entry.index() == lastIndex() + 1, "entry " + entry.index() + " appended");
    entries.add(entry);
    added(entry);
  }

  private void added(Entry entry) {
    bytes += entry.sizeBytes();
    if (entry.kind() == EntryKind.MEMBERSHIP) {
      membershipIndexes.add(entry.index());
    }
  }

  /**
   * Takes in what a leader sent behind an entry that {@linkplain #matches matches}: entries already
   * here are skipped, from the first conflict on the old ones are replaced (thesis figure 3.1,
   * AppendEntries 3 and 4).
   *
   * @return the entries that are new here and must be made stable; their first index may lie at or
   *     before {@code stable}
   */
  public List<Entry> merge(List<Entry> received) {
    for (int i = 0; i < received.size(); i++) {
      Entry entry = received.get(i);
      if (!matches(entry.position())) {
        if (entry.index() <= lastIndex()) {
          truncateFrom(entry.index());
        }
        List<Entry> added = received.subList(i, received.size());
        added.forEach(this::append);
        return added;
      }
    }
    return List.of();
  }

  private void truncateFrom(long index) {
    check(index > committed, "committed entry " + index + " conflicts with the leader's log");
    List<Entry> dropped = entries.subList(position(index), entries.size());
    for (Entry entry : dropped) {
      bytes -= entry.sizeBytes();
    }
    dropped.clear();
    while (lastMembershipIndex() >= index) {
      membershipIndexes.removeLast();
    }
    stable = Math.min(stable, index - 1);
  }

  /**
   * Forgets the entries from an index on that never reached this member's disk, and nobody else's.
   *
   * @throws IllegalStateException if one of them is stable
   */
  public void dropUnstable(long from) {
    check(from > stable, "stable entry " + from + " dropped");
    if (from <= lastIndex()) {
      truncateFrom(from);
    }
  }

  /** The entries up to this one are on this member's disk, unless they were replaced meanwhile. */
  public void stableTo(LogPosition position) {
    if (position.index() > stable && matches(position)) {
      stable = position.index();
    }
  }

  /**
   * Moves the commit mark forward; never back.
   *
   * @return whether it moved
   */
  public boolean commitTo(long index) {
    if (index <= committed) {
      return false;
    }
    check(index <= lastIndex(), "entry " + index + " committed");
    committed = index;
    return true;
  }

  /**
   * Hands out, once, the next entries that are committed and stable, as many as fit into {@code
   * maxBytes}.
   */
  public List<Entry> deliver(long maxBytes) {
    List<Entry> next = slice(delivered + 1, Math.min(committed, stable), maxBytes);
    delivered += next.size();
    return next;
  }

  /**
   * Forgets the entries up to an index that was delivered. An index before {@code base} does
   * nothing.
   */
  public void compactTo(long index) {
    if (index <= base.index()) {
      return;
    }
    check(index <= delivered, "log compacted to " + index);
    LogPosition newBase = new LogPosition(index, term(index));
    List<Entry> dropped = entries.subList(0, position(index) + 1);
    for (Entry entry : dropped) {
      bytes -= entry.sizeBytes();
    }
    dropped.clear();
    membershipIndexes.removeIf(i -> i <= index);
    base = newBase;
  }

  /**
   * A snapshot took the place of everything: the log is empty and begins behind it.
   *
   * @throws IllegalStateException if entries behind it were committed here already
   */
  public void restoreAt(LogPosition snapshot) {
    check(snapshot.index() > committed, "snapshot at " + snapshot + " installed");
    entries.clear();
    membershipIndexes.clear();
    bytes = 0;
    base = snapshot;
    stable = snapshot.index();
    committed = snapshot.index();
    delivered = snapshot.index();
  }

  /** Index of the newest entry that changes the membership; 0 if there is none. */
  public long lastMembershipIndex() {
    return membershipIndexes.isEmpty() ? 0 : membershipIndexes.getLast();
  }

  /** Whether an entry that changes the membership lies behind {@code after} up to {@code upTo}. */
  public boolean changesMembership(long after, long upTo) {
    for (int i = membershipIndexes.size() - 1; i >= 0; i--) {
      long index = membershipIndexes.get(i);
      if (index <= upTo) {
        return index > after;
      }
    }
    return false;
  }

  /**
   * Up to where a log read from disk is known to be committed by its own content, although the
   * commit mark is not kept on disk: a leader appends a membership change only when it has applied
   * the one before, so all but the newest are committed; and the members with which a new log
   * begins stand for themselves.
   *
   * <p>A member that did not apply them must not stand for election: it would count the votes of a
   * membership that is two steps old, whose majorities need not meet those of the present one.
   */
  public long provenCommitted() {
    int changes = membershipIndexes.size();
    long proven = changes < 2 ? 0 : membershipIndexes.get(changes - 2);
    return Math.max(proven, endOfInitialMembers());
  }

  /** A leader's term begins with an empty entry; so whatever lies before the first is given. */
  private long endOfInitialMembers() {
    int end = 0;
    if (base.index() == 0) {
      while (end < entries.size() && entries.get(end).kind() == EntryKind.MEMBERSHIP) {
        end++;
      }
    }
    return end;
  }

  /**
   * The newest index at or before {@code from} whose term is at most {@code term}: where a leader
   * and a follower may agree at best (thesis 5.3, skipping conflicting terms). Stops at {@code
   * base}.
   */
  public long lastIndexOfTermAtMost(long from, long term) {
    long index = Math.min(from, lastIndex());
    while (index > base.index() && entry(index).term() > term) {
      index--;
    }
    return index;
  }

  private Entry entry(long index) {
    return entries.get(position(index));
  }

  private int position(long index) {
    return Math.toIntExact(index - base.index() - 1);
  }

  private void check(boolean holds, String what) {
    if (!holds) {
      throw new IllegalStateException(what + " in " + this);
    }
  }

  @Override
  public String toString() {
    return "RaftLog[base="
        + base.index()
        + " delivered="
        + delivered
        + " committed="
        + committed
        + " stable="
        + stable
        + " last="
        + (base.index() + entries.size())
        + "]";
  }
}
