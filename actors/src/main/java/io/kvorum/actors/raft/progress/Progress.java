package io.kvorum.actors.raft.progress;

import java.util.ArrayDeque;

/**
 * How far one follower has come, and how much may be on its way to it. A follower is probed with
 * one message at a time until it is known where its log agrees; from then on appends are pipelined
 * in a window bounded by messages and by bytes.
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
  private boolean recentlyActive;

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

  /** Whether nothing may be sent until an answer or a heartbeat's answer arrives. */
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
   * @return whether that is news
   */
  public boolean acknowledged(long index) {
    boolean news = index > match;
    match = Math.max(match, index);
    next = Math.max(next, index + 1);
    while (!inflights.isEmpty() && inflights.getFirst().lastIndex() <= index) {
      inflightBytes -= inflights.removeFirst().bytes();
    }
    if (mode == Mode.PROBE && index >= match) {
      mode = Mode.REPLICATE;
      probeSent = false;
      next = match + 1;
    }
    return news;
  }

  /**
   * The follower refused an append behind {@code rejected}, and may agree at {@code hint} at best.
   *
   * @return whether the refusal was current; a stale one changes nothing
   */
  public boolean rejected(long rejected, long hint) {
    if (mode == Mode.REPLICATE ? rejected <= match : next - 1 != rejected) {
      return false;
    }
    next = mode == Mode.REPLICATE ? match + 1 : Math.max(match + 1, Math.min(rejected, hint + 1));
    becomeProbe();
    return true;
  }

  /** Messages may have been lost: ask before sending more. */
  public void becomeProbe() {
    mode = Mode.PROBE;
    probeSent = false;
    next = Math.max(match + 1, mode == Mode.REPLICATE ? match + 1 : next);
    inflights.clear();
    inflightBytes = 0;
  }

  /**
   * A heartbeat was answered: a lost probe or a lost answer may be repeated, the window opens by
   * one.
   */
  public void heartbeatAnswered() {
    recentlyActive = true;
    probeSent = false;
    if (mode == Mode.REPLICATE && inflights.size() >= maxInflightMessages) {
      inflightBytes -= inflights.removeFirst().bytes();
    }
  }

  public void markActive() {
    recentlyActive = true;
  }

  /**
   * Whether it was heard since the last call; the check-quorum round asks once per election
   * timeout.
   */
  public boolean takeActive() {
    boolean was = recentlyActive;
    recentlyActive = false;
    return was;
  }
}
