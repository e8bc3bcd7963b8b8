package io.kvorum.protocol;

/**
 * An entry's place in a raft log: index (first entry 1) and the term of the leader that created it.
 * 0, 0 lies before the log.
 */
public record LogPosition(long index, long term) {
  public static final LogPosition ZERO = new LogPosition(0, 0);
}
