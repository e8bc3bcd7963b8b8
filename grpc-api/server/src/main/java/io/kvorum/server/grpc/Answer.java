package io.kvorum.server.grpc;

import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/** The answer to a unary call as bytes: one message in its frame. */
public sealed interface Answer {
  /** Length of the message, without the frame's prefix. */
  long messageBytes();

  /** What to do with an answer that nobody wants any more. */
  void discard();

  /** Small enough to be kept until the connection takes it. */
  record Whole(ByteString framed) implements Answer {
    @Override
    public long messageBytes() {
      return framed.size() - Messages.PREFIX_BYTES;
    }

    @Override
    public void discard() {
      // There is nothing but the bytes.
    }
  }

  /**
   * Made as the client takes it. A failure of the source becomes the call's status, behind a
   * message cut short.
   *
   * @param framed gives {@code messageBytes} and the prefix before them, or fails
   */
  record InPieces(long messageBytes, Source<ByteString, NotUsed> framed, Runnable onDiscard)
      implements Answer {
    @Override
    public void discard() {
      onDiscard.run();
    }
  }
}
