package io.kvorum.actors.lease;

/**
 * What is left of a lease.
 *
 * @param seconds whole ones, 0 or below if its time is up and it is about to go; -1 if there is no
 *     such lease
 * @param grantedSeconds 0 if there is no such lease
 */
public record TimeLeft(long seconds, long grantedSeconds) {
  static final TimeLeft UNKNOWN = new TimeLeft(-1, 0);
}
