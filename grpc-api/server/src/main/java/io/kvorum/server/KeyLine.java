package io.kvorum.server;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.mvccpb.Event;
import io.kvorum.protocol.mvccpb.KeyValue;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The keys below one prefix in the order of their creation, as far as this member has seen them
 * come and go, and the callers that wait for all that were created before their own to go.
 *
 * <p>Those before a caller only get fewer: a key that is put later was created later. So a line
 * that is behind the newest revision may let a caller wait too long, and never passes one too
 * early, once it has seen everything that was created before that caller's key.
 *
 * <p>Of many keys only the oldest are held. Not safe for several threads.
 */
final class KeyLine {
  /** So many keys are held. */
  static final int MAX_KEYS = 1024;

  /** A key as it stands in line. Keys that one transaction created have no order of their own. */
  private record Held(long created, ByteString key) {
    static final Comparator<Held> ORDER =
        Comparator.comparingLong(Held::created)
            .thenComparing(Held::key, ByteString.unsignedLexicographicalComparator());
  }

  /** Identity: one call that waits. */
  static final class Waiter {
    private final ByteString key;
    private final long created;
    private final long number;

    private Waiter(ByteString key, long created, long number) {
      this.key = key;
      this.created = created;
      this.number = number;
    }
  }

  private final int maxKeys;
  private final TreeSet<Held> oldest = new TreeSet<>(Held.ORDER);
  private final Map<ByteString, Held> byKey = new HashMap<>();
  private final TreeSet<Waiter> waiters =
      new TreeSet<>(
          Comparator.<Waiter>comparingLong(waiter -> waiter.created)
              .thenComparingLong(waiter -> waiter.number));

  /** There are others, created at the same revision as the last held one or later. */
  private boolean more;

  /** The keys are those at this revision, or a later one. */
  private long read;

  /** All that was created up to this revision has been seen. */
  private long seen = -1;

  private long joined;

  KeyLine() {
    this(MAX_KEYS);
  }

  KeyLine(int maxKeys) {
    this.maxKeys = maxKeys;
  }

  /** How many keys {@link #read} is to bring. */
  int maxKeys() {
    return maxKeys;
  }

  /**
   * Begins anew with what was read at a revision.
   *
   * @param records the first of those that were created first
   * @param more whether there are others
   */
  void read(List<KeyValue> records, boolean more, long revision) {
    oldest.clear();
    byKey.clear();
    records.forEach(this::hold);
    this.more = more;
    read = revision;
    seen = revision;
  }

  /** The next change; those that were in what was read already are passed over. */
  void change(Event event) {
    KeyValue record = event.getKv();
    long revision = record.getModRevision();
    if (revision <= read) {
      return;
    }
    // There may be others of the same revision to come.
    seen = Math.max(seen, revision - 1);
    if (event.getType() == Event.EventType.DELETE) {
      gone(record.getKey(), revision);
    } else if (record.getCreateRevision() == revision) {
      if (more || oldest.size() >= maxKeys) {
        more = true;
      } else {
        hold(record);
      }
    }
  }

  /** A key was deleted at a revision, known before that change comes. */
  void gone(ByteString key, long revision) {
    Held held = byKey.get(key);
    if (held != null && held.created() < revision) {
      byKey.remove(key);
      oldest.remove(held);
    }
  }

  private void hold(KeyValue record) {
    Held held = new Held(record.getCreateRevision(), record.getKey());
    oldest.add(held);
    byKey.put(held.key(), held);
  }

  /**
   * @param created when the caller's own key was
   */
  Waiter join(ByteString key, long created) {
    Waiter waiter = new Waiter(key, created, joined++);
    waiters.add(waiter);
    return waiter;
  }

  /** False if it had passed, or left, before. */
  boolean leave(Waiter waiter) {
    return waiters.remove(waiter);
  }

  boolean hasWaiters() {
    return !waiters.isEmpty();
  }

  /** Whether it cannot tell who is next before it has read again. */
  boolean isExhausted() {
    return more && oldest.isEmpty();
  }

  /** Whether the key that a caller waits with was there when the line was last changed. */
  boolean holds(Waiter waiter) {
    Held held = byKey.get(waiter.key);
    return held != null && held.created() == waiter.created;
  }

  /** Takes those out who have nobody before them any more. */
  List<Waiter> pass() {
    List<Waiter> passed = new ArrayList<>();
    while (!waiters.isEmpty() && isFirst(waiters.first())) {
      passed.add(waiters.removeFirst());
    }
    return passed;
  }

  private boolean isFirst(Waiter waiter) {
    if (waiter.created - 1 > seen || isExhausted()) {
      return false;
    }
    return oldest.isEmpty() || oldest.first().created() >= waiter.created;
  }
}
