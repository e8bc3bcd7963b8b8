package io.kvorum.persistence.mvcc;

/**
 * The answer to a range in key order, step by step: first its records, then the count of the keys
 * behind the limit. Steps can be as small as the caller likes, so a range of any size takes as much
 * memory as one step, and never a thread for long. For one thread at a time; blocks on the disk,
 * and is only good as long as the view it was opened on.
 */
public interface RangeWalk extends AutoCloseable {

  /**
   * Appends the next records, until one of the bounds is reached; at least one if there is one and
   * it is found in time.
   *
   * @param maxRecords to append
   * @param fullBytes no further record is appended once the buffer's size has come to this
   * @param untilNanos of {@code System.nanoTime}
   * @return whether there may be more
   */
  boolean write(AnswerBuffer out, long maxRecords, int fullBytes, long untilNanos);

  /** Passes the next records; like {@link #write}, without keeping them. */
  boolean pass(long untilNanos);

  /**
   * Counts what is behind the records, all of which must be written or passed.
   *
   * @return whether there is something left to count
   */
  boolean count(long untilNanos);

  /** Where it stands. */
  RangePosition position();

  @Override
  void close();
}
