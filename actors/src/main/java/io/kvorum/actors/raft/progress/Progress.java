package io.kvorum.actors.raft.progress;

import java.util.ArrayDeque;

/**
 * How far one follower has come, and how much may be on its way to it. A follower is probed with
 * one message at a time until it is known where its log agrees; from then on appends are pipelined
 * in a window bounded by messages and by bytes. One that needs entries that are gone gets a
 * snapshot, and nothing else meanwhile (etcd's three states).
 *
 * <p>Owned by the leader's behaviour.
 */
public final class Progress {
  /** How the follower is fed. */
  public enum Mode {
    /** Where its log agrees is not known: one append per heartbeat or answer. */
    PROBE,
    /** Its log agrees up to {@code match}: appends follow each other without waiting. */
    REPLICATE,
    /** It needs entries that the log does not hold any more: nothing is sent but a snapshot. */
    SNAPSHOT
  }

  private record Inflight(long lastIndex, long bytes) {}

  private final int maxInflightMessages;
  private final long maxInflightBytes;
  private final ArrayDeque<Inflight> inflights = new ArrayDeque<>();
  private Mode mode = Mode.PROBE;
  private long match;
  private long next;
  private long inflightBytes;
  private boolean probeSent;

  /** What the log must keep while a snapshot is on its way or being installed. */
  private long snapshotNeedsBehind;

  /** End of the snapshot that was delivered and is being installed; 0 if none is. */
  private long installing;

  private boolean answeredSinceHeartbeat;
  private boolean recentlyActive;
  private boolean activeBefore;

  /**
   * @param next index of the first entry to send
   * @param maxInflightMessages appends that may be unanswered
   * @param maxInflightBytes bytes of entries that may be unanswered; one append is always allowed
   */
  public Progress(long next, int maxInflightMessages, long maxInflightBytes) {
    this.next = next;
    this.maxInflightMessages = maxInflightMessages;
    this.maxInflightBytes = maxInflightBytes;
  }

  public Mode mode() {
    return mode;
  }

  /** Highest index known to be on the follower's disk in agreement with the leader's log. */
  public long match() {
    return match;
  }

  public long next() {
    return next;
  }

  /** Whether it has a snapshot and did not say yet that it is in place: it takes no entries. */
  public boolean isInstalling() {
    return installing > match;
  }

  /** The follower needs no entry up to this one. */
  public long needsBehind() {
    return mode == Mode.SNAPSHOT ? snapshotNeedsBehind : Math.max(match, installing);
  }

  /** Whether nothing may be sent until an answer or a heartbeat's turn comes. */
  public boolean isPaused() {
    return switch (mode) {
      case PROBE -> probeSent;
      case SNAPSHOT -> true;
      case REPLICATE ->
          inflights.size() >= maxInflightMessages
              || (!inflights.isEmpty() && inflightBytes >= maxInflightBytes);
    };
  }

  /** An append with entries up to {@code lastIndex} went out; {@code bytes} 0 for an empty one. */
  public void sent(long lastIndex, long bytes) {
    switch (mode) {
      case PROBE -> probeSent = true;
      case SNAPSHOT -> {}
      case REPLICATE -> {
        if (bytes > 0) {
          inflights.addLast(new Inflight(lastIndex, bytes));
          inflightBytes += bytes;
        }
        next = Math.max(next, lastIndex + 1);
      }
    }
  }

  /**
   * The follower has everything up to {@code index} on disk.
   *
   * @param firstIndex where the leader's log begins: a follower that reaches it needs no snapshot
   * @return whether that is news
   */
  public boolean acknowledged(long index, long firstIndex) {
    boolean news = index > match;
    match = Math.max(match, index);
    next = Math.max(next, index + 1);
    answeredSinceHeartbeat = true;
    while (!inflights.isEmpty() && inflights.getFirst().lastIndex() <= index) {
      inflightBytes -= inflights.removeFirst().bytes();
    }
    boolean agrees =
        switch (mode) {
          case PROBE -> index == match && !isInstalling();
          case SNAPSHOT -> match + 1 >= firstIndex;
          case REPLICATE -> false;
        };
    if (agrees) {
      mode = Mode.REPLICATE;
      next = match + 1;
      installing = 0;
      probeSent = false;
    }
    return news;
  }

  /**
   * The follower refused an append behind {@code rejected}, and may agree at {@code hint} at best.
   *
   * @return whether the refusal was current; a stale one changes nothing
   */
  public boolean rejected(long rejected, long hint) {
    boolean current =
        switch (mode) {
          case PROBE -> next - 1 == rejected;
          case SNAPSHOT -> false;
          case REPLICATE -> rejected > match;
        };
    if (!current) {
      return false;
    }
    if (mode == Mode.REPLICATE) {
      becomeProbe();
    } else {
      installing = 0;
      probeSent = false;
      next = Math.max(match + 1, Math.min(rejected, hint + 1));
    }
    return true;
  }

  /** Messages may have been lost: ask before sending more. */
  public void becomeProbe() {
    if (mode == Mode.REPLICATE) {
      mode = Mode.PROBE;
      probeSent = false;
      next = match + 1;
      inflights.clear();
      inflightBytes = 0;
    }
  }

  /**
   * A snapshot goes out.
   *
   * @param base where the leader's log begins now: what follows is needed behind the snapshot
   */
  public void becomeSnapshot(long base) {
    mode = Mode.SNAPSHOT;
    snapshotNeedsBehind = base;
    installing = 0;
    inflights.clear();
    inflightBytes = 0;
  }

  /**
   * What came of the snapshot. The next probe waits for a heartbeat's turn.
   *
   * @param end last index that the follower has through it; 0 if it was not delivered
   */
  public void snapshotDone(long end) {
    if (mode == Mode.SNAPSHOT) {
      mode = Mode.PROBE;
      probeSent = true;
      next = Math.max(match, end) + 1;
      installing = end;
    }
  }

  /**
   * A heartbeat goes out. A probe or its answer may have been lost: it may be repeated.
   *
   * @return whether appends are on their way and none was answered since the last heartbeat: the
   *     last one, or its answer, may be lost, and nothing else would show it
   */
  public boolean heartbeat() {
    boolean silent = !answeredSinceHeartbeat;
    answeredSinceHeartbeat = false;
    if (mode == Mode.PROBE) {
      probeSent = false;
    }
    return silent && mode == Mode.REPLICATE && !inflights.isEmpty();
  }

  public void markActive() {
    recentlyActive = true;
  }

  /** Whether it was heard within the last one or two rounds of the quorum check. */
  public boolean isActive() {
    return recentlyActive || activeBefore;
  }

  /**
   * Whether it was heard since the last call; the check-quorum round asks once per election
   * timeout.
   */
  public boolean takeActive() {
    boolean was = recentlyActive;
    activeBefore = recentlyActive;
    recentlyActive = false;
    return was;
  }
}
