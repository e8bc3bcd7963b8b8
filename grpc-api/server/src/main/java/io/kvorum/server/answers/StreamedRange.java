package io.kvorum.server.answers;

import io.kvorum.actors.group.Group;
import io.kvorum.persistence.mvcc.AnswerBuffer;
import io.kvorum.persistence.mvcc.RangePosition;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.server.grpc.Framing;
import org.apache.pekko.util.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * The messages of a RangeStream (etcd: server/etcdserver/v3_server.go, rangeStream): ten keys
 * first, then twice as many each time until a message is large enough; header, count and more in
 * the last one only. etcd's messages grow to its max-request-bytes, these to {@link
 * AnswerInPieces#PIECE_BYTES}.
 */
final class StreamedRange implements Producer {
  private static final int FIRST_KEYS = 10;

  /** Field {@code range_response} of a RangeStreamResponse: number 1, with a length. */
  private static final byte RANGE_RESPONSE_TAG = 1 << 3 | 2;

  /** The frame's prefix, the tag, and a length of up to five bytes. */
  private static final int FRONT_BYTES = Framing.PREFIX_BYTES + 1 + 5;

  private final Group group;
  private final OpenRange range;
  private long keysMax = FIRST_KEYS;

  /** The last records, while what is behind them is counted. */
  private @Nullable AnswerBuffer last;

  StreamedRange(Group group, OpenRange range) {
    this.group = group;
    this.range = range;
  }

  @Override
  public Progress next(long untilNanos) {
    AnswerBuffer out = last;
    if (out == null) {
      out = new AnswerBuffer(FRONT_BYTES, Math.toIntExact(expectedBytes()));
      boolean more = range.write(out, keysMax, AnswerInPieces.PIECE_BYTES, untilNanos);
      if (more) {
        return out.size() == 0 ? new Progress.NotYet() : piece(out, false);
      }
      last = out;
    }
    if (range.count(untilNanos)) {
      return new Progress.NotYet();
    }
    RangePosition end = range.position();
    out.append(
        RangeResponse.newBuilder()
            .setHeader(group.header(end.currentRevision()))
            .setMore(end.more())
            .setCount(end.count())
            .build()
            .toByteArray());
    return piece(out, true);
  }

  private long expectedBytes() {
    return Math.min(AnswerInPieces.PIECE_BYTES, keysMax * 128);
  }

  private Progress.Piece piece(AnswerBuffer out, boolean isLast) {
    if (out.size() < AnswerInPieces.PIECE_BYTES / 2) {
      keysMax = Math.min(2 * keysMax, AnswerInPieces.PIECE_BYTES);
    }
    byte[] bytes = out.array();
    int response = out.size();
    int at = FRONT_BYTES - varintBytes(response);
    int rest = response;
    for (int i = at; i < FRONT_BYTES; i++, rest >>>= 7) {
      bytes[i] = (byte) (i == FRONT_BYTES - 1 ? rest : rest & 0x7f | 0x80);
    }
    bytes[--at] = RANGE_RESPONSE_TAG;
    int messageBytes = out.end() - at;
    at -= Framing.PREFIX_BYTES;
    Framing.putPrefix(bytes, at, messageBytes);
    return new Progress.Piece(
        ByteString.fromArrayUnsafe(bytes, at, Framing.PREFIX_BYTES + messageBytes), isLast);
  }

  private static int varintBytes(int value) {
    return Math.max(1, (Integer.SIZE - Integer.numberOfLeadingZeros(value) + 6) / 7);
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
