package io.kvorum.server.answers;

import org.apache.pekko.util.ByteString;

/** Makes an answer piece by piece, on a read thread. What is wrong leaves as {@code RpcFailure}. */
interface Producer {
  /** What came of a slice of time. */
  sealed interface Progress {
    /** Not done with the next piece. */
    record NotYet() implements Progress {}

    /**
     * @param last whether nothing comes behind it
     */
    record Piece(ByteString bytes, boolean last) implements Progress {}
  }

  Progress next(long untilNanos);

  /** Lets go of what should not be held for long, if it is not at work. Any thread. */
  void tidy(long nowNanos);

  /** Any thread, also while it is at work. */
  void close();
}
