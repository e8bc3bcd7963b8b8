package io.kvorum.server.answers;

import io.kvorum.actors.group.Group;
import io.kvorum.persistence.mvcc.AnswerBuffer;
import io.kvorum.persistence.mvcc.RangePosition;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.server.grpc.Answer;
import io.kvorum.server.grpc.Framing;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;
import org.apache.pekko.util.ByteString;

/**
 * A range whose beginning is in memory, and whose rest is passed to learn how long the message will
 * be and what stands at its end.
 */
final class MeasuredRange implements Slices.Slice {
  private final Answers answers;
  private final OpenRange range;
  private final AnswerBuffer beginning;
  private final RangePosition afterBeginning;
  private final AnswerMemory.Share share;
  private final BooleanSupplier over;
  private final CompletableFuture<Outcome<Answer>> answer = new CompletableFuture<>();
  private boolean records = true;

  /**
   * Takes over range and share.
   *
   * @param beginning of the message, with room for the prefix of its frame
   * @param over whether nobody waits any more
   */
  MeasuredRange(
      Answers answers,
      OpenRange range,
      AnswerBuffer beginning,
      AnswerMemory.Share share,
      BooleanSupplier over) {
    this.answers = answers;
    this.range = range;
    this.beginning = beginning;
    this.afterBeginning = range.position();
    this.share = share;
    this.over = over;
  }

  CompletableFuture<Outcome<Answer>> answer() {
    return answer;
  }

  @Override
  public void run() {
    try {
      if (over.getAsBoolean()) {
        end();
        answer.complete(Outcome.refused(EtcdError.CANCELED));
      } else if (isMeasured()) {
        range.close();
        answer.complete(Outcome.ok(measured()));
      } else {
        answers.slices().run(this);
      }
    } catch (RuntimeException e) {
      end();
      answer.completeExceptionally(e);
    }
  }

  private boolean isMeasured() {
    long until = System.nanoTime() + Slices.SLICE_NANOS;
    records = records && range.pass(until);
    return !records && !range.count(until);
  }

  private Answer measured() {
    RangePosition end = range.position();
    byte[] tail = tail(answers.group(), end);
    long messageBytes = end.recordBytes() + tail.length;
    Framing.putPrefix(beginning.array(), 0, messageBytes);
    boolean whole = end.records() == afterBeginning.records();
    if (whole) {
      beginning.append(tail);
    }
    share.resize(beginning.end());
    return answers.inPieces(
        messageBytes,
        ByteString.fromArrayUnsafe(beginning.array(), 0, beginning.end()),
        share,
        whole ? null : new RestOfRange(range.from(afterBeginning), end, tail));
  }

  /** The fields behind the records. */
  static byte[] tail(Group group, RangePosition end) {
    return RangeResponse.newBuilder()
        .setHeader(group.header(end.currentRevision()))
        .setMore(end.more())
        .setCount(end.count())
        .build()
        .toByteArray();
  }

  private void end() {
    range.close();
    share.release();
  }

  @Override
  public void rejected(RejectedExecutionException why) {
    end();
    answer.completeExceptionally(why);
  }
}
