package io.kvorum.server;

import com.google.protobuf.ByteString;
import io.kvorum.persistence.mvcc.AnswerBuffer;
import io.kvorum.persistence.mvcc.RangePosition;
import io.kvorum.persistence.mvcc.RangeWalk;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import org.jspecify.annotations.Nullable;

/** A walk over an answer that is known as a whole; {@code more} and {@code count} are its. */
final class FakeWalk implements RangeWalk {
  private final RangeResponse answer;
  private int next;
  private long bytes;

  FakeWalk(RangeResponse answer, @Nullable RangePosition from) {
    this.answer = answer;
    this.next = from == null ? 0 : Math.toIntExact(from.records());
    this.bytes = from == null ? 0 : from.recordBytes();
  }

  @Override
  public boolean write(AnswerBuffer out, long maxRecords, int fullBytes, long untilNanos) {
    for (int i = 0; next < answer.getKvsCount(); i++, next++) {
      if (i >= maxRecords || out.size() >= fullBytes) {
        return true;
      }
      int before = out.size();
      out.appendRecord(answer.getKvs(next).toByteArray());
      bytes += out.size() - before;
    }
    return false;
  }

  @Override
  public boolean pass(long untilNanos) {
    return write(new AnswerBuffer(0, 0), 1000, Integer.MAX_VALUE, untilNanos);
  }

  @Override
  public boolean count(long untilNanos) {
    return false;
  }

  @Override
  public RangePosition position() {
    return new RangePosition(
        answer.getHeader().getRevision(),
        FakeGroup.REVISION,
        ByteString.EMPTY,
        next,
        bytes,
        answer.getCount(),
        answer.getMore(),
        false);
  }

  @Override
  public void close() {
    // Nothing is held.
  }
}
