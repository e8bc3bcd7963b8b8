package io.kvorum.server.answers;

import io.kvorum.persistence.mvcc.AnswerBuffer;
import io.kvorum.persistence.mvcc.RangePosition;
import org.apache.pekko.util.ByteString;

/** What is left of a measured range, and the end of its message. */
final class RestOfRange implements Producer {
  private final OpenRange range;
  private final RangePosition end;
  private final byte[] tail;

  /**
   * @param end where the records end, as measured
   * @param tail fields that stand behind them
   */
  RestOfRange(OpenRange range, RangePosition end, byte[] tail) {
    this.range = range;
    this.end = end;
    this.tail = tail;
  }

  @Override
  public Progress next(long untilNanos) {
    AnswerBuffer out = new AnswerBuffer(0, AnswerInPieces.PIECE_BYTES);
    boolean more = range.write(out, Long.MAX_VALUE, AnswerInPieces.PIECE_BYTES, untilNanos);
    if (more && out.size() == 0) {
      return new Progress.NotYet();
    }
    if (!more) {
      requireAsMeasured();
      out.append(tail);
    }
    return new Progress.Piece(ByteString.fromArrayUnsafe(out.array(), 0, out.end()), !more);
  }

  /** Else the length in the message's prefix would be wrong. */
  private void requireAsMeasured() {
    RangePosition now = range.position();
    if (now.records() != end.records() || now.recordBytes() != end.recordBytes()) {
      throw new IllegalStateException("a range measured as " + end + " was read as " + now);
    }
  }

  @Override
  public void tidy(long nowNanos) {
    range.dropIfOld(nowNanos);
  }

  @Override
  public void close() {
    range.close();
  }
}
