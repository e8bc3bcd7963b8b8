package io.kvorum.server.answers;

import com.google.protobuf.MessageLite;
import io.kvorum.actors.group.Group;
import io.kvorum.persistence.mvcc.AnswerBuffer;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.server.grpc.Answer;
import io.kvorum.server.grpc.Framing;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;
import org.jspecify.annotations.Nullable;

/** Where a service takes its answers to when they may be large. Thread-safe. */
public final class Answers {
  /** An answer up to this size is read, sent and forgotten; nothing is counted. */
  public static final int FREE_BYTES = 64 * 1024;

  /** A range in key order up to this size is read once and sent as a whole. */
  public static final int WHOLE_BYTES = 1 << 20;

  /** Answers that are read as their clients take them; beyond, {@code too many requests}. */
  static final int MAX_OPEN = 1024;

  /** All answers that wait for their clients take so many times what one may hold. */
  private static final int BUDGET_IN_ANSWERS = 2;

  private static final Duration TIDY_EVERY = Duration.ofSeconds(1);

  private final Group group;
  private final AnswerMemory memory;
  private final Slices slices;
  private final Set<AnswerInPieces> open = ConcurrentHashMap.newKeySet();

  public Answers(Group group) {
    this(group, BUDGET_IN_ANSWERS * ReadView.maxAnswerBytes());
  }

  Answers(Group group, long budgetBytes) {
    this.group = group;
    this.memory = new AnswerMemory(budgetBytes);
    // Asked for at each use: it is the group's to say.
    this.slices =
        new Slices(
            task -> group.readExecutor().execute(task), Slices.half(), this::currentRevision);
  }

  private long currentRevision() {
    try (ReadView newest = group.view()) {
      return newest.currentRevision();
    }
  }

  /** Looks after answers whose clients are slow or gone, until cancelled. */
  public Cancellable start(ActorSystem<?> system) {
    return system
        .scheduler()
        .scheduleAtFixedRate(
            TIDY_EVERY, TIDY_EVERY, () -> tidy(System.nanoTime()), system.executionContext());
  }

  void tidy(long nowNanos) {
    boolean othersWait = memory.someoneWaits();
    open.forEach(answer -> answer.tidy(nowNanos, othersWait));
  }

  AnswerMemory memory() {
    return memory;
  }

  Slices slices() {
    return slices;
  }

  Group group() {
    return group;
  }

  void forget(AnswerInPieces answer) {
    open.remove(answer);
  }

  /** Answers under way that are too large to be forgotten at once. */
  public int openAnswers() {
    return open.size();
  }

  /** What they have in memory. */
  public long openBytes() {
    return memory.usedBytes();
  }

  /**
   * A range in key order. On a read thread, which it blocks for {@link Slices#SLICE_NANOS} at most.
   *
   * @param over whether nobody waits for the answer any more
   */
  public CompletionStage<Outcome<Answer>> range(RangeRequest request, BooleanSupplier over) {
    return range(request, over, null);
  }

  private CompletionStage<Outcome<Answer>> range(
      RangeRequest request, BooleanSupplier over, AnswerMemory.@Nullable Share given) {
    return switch (OpenRange.open(group, request)) {
      case Outcome.Ok<OpenRange>(var opened) -> {
        boolean done = false;
        try {
          CompletionStage<Outcome<Answer>> answer = read(opened, request, over, given);
          done = true;
          yield answer;
        } finally {
          if (!done) {
            opened.close();
          }
        }
      }
      case Outcome.Refused<OpenRange>(var error) -> {
        if (given != null) {
          given.release();
        }
        yield refused(error);
      }
    };
  }

  private CompletionStage<Outcome<Answer>> read(
      OpenRange range,
      RangeRequest request,
      BooleanSupplier over,
      AnswerMemory.@Nullable Share given) {
    long until = System.nanoTime() + Slices.SLICE_NANOS;
    AnswerBuffer buffer = new AnswerBuffer(Framing.PREFIX_BYTES, 0);
    boolean records = range.write(buffer, Long.MAX_VALUE, FREE_BYTES, until);
    boolean left = records || range.count(until);
    if (!left && buffer.size() <= FREE_BYTES && given == null) {
      return answered(completed(range, buffer), null);
    }
    AnswerMemory.Share share = given == null ? memory.tryTake(WHOLE_BYTES) : given;
    if (share == null) {
      range.close();
      return whenThereIsRoom(WHOLE_BYTES, over, taken -> range(request, over, taken));
    }
    try {
      if (left) {
        records = records && range.write(buffer, Long.MAX_VALUE, WHOLE_BYTES, until);
        left = records || range.count(until);
      }
      if (!left) {
        return answered(completed(range, buffer), share);
      }
    } catch (RuntimeException e) {
      share.release();
      throw e;
    }
    MeasuredRange measured = new MeasuredRange(this, range, buffer, share, over);
    slices.run(measured);
    return measured.answer();
  }

  private ByteString completed(OpenRange range, AnswerBuffer records) {
    range.close();
    records.append(MeasuredRange.tail(group, range.position()));
    Framing.putPrefix(records.array(), 0, records.size());
    return ByteString.fromArrayUnsafe(records.array(), 0, records.end());
  }

  /** Something that is done on a read thread with memory that was waited for. */
  private interface WithShare {
    CompletionStage<Outcome<Answer>> read(AnswerMemory.Share share);
  }

  private CompletionStage<Outcome<Answer>> whenThereIsRoom(
      long bytes, BooleanSupplier over, WithShare read) {
    CompletableFuture<Outcome<Answer>> answer = new CompletableFuture<>();
    memory.take(
        bytes,
        share -> {
          try {
            group
                .readExecutor()
                .execute(
                    () ->
                        complete(
                            answer,
                            share,
                            () -> over.getAsBoolean() ? cancelled(share) : read.read(share)));
          } catch (RejectedExecutionException e) {
            share.release();
            answer.completeExceptionally(e);
          }
        });
    return answer;
  }

  private static CompletionStage<Outcome<Answer>> cancelled(AnswerMemory.Share share) {
    share.release();
    return refused(EtcdError.CANCELED);
  }

  private static void complete(
      CompletableFuture<Outcome<Answer>> answer,
      AnswerMemory.Share share,
      Supplier<CompletionStage<Outcome<Answer>>> read) {
    try {
      var unused =
          read.get()
              .whenComplete(
                  (outcome, failure) -> {
                    if (failure != null) {
                      answer.completeExceptionally(failure);
                    } else {
                      answer.complete(outcome);
                    }
                  });
    } catch (RuntimeException e) {
      share.release();
      answer.completeExceptionally(e);
    }
  }

  /**
   * An answer that has to be in memory as a whole. On a read thread.
   *
   * @param firstBytes of records that a first try may hold
   * @param read given the bytes that it may hold, refuses with {@link EtcdError#ANSWER_TOO_LARGE};
   *     done a second time if there is no room for what came of the first
   */
  public CompletionStage<Outcome<Answer>> whole(
      long firstBytes, BooleanSupplier over, LongFunction<Outcome<? extends MessageLite>> read) {
    long wanted;
    switch (read.apply(firstBytes)) {
      case Outcome.Ok<? extends MessageLite>(var message) -> {
        int bytes = message.getSerializedSize();
        AnswerMemory.Share share = bytes <= FREE_BYTES ? null : memory.tryTake(bytes);
        if (bytes <= FREE_BYTES || share != null) {
          return answered(Framing.frame(message), share);
        }
        wanted = bytes;
      }
      case Outcome.Refused<? extends MessageLite>(var error) -> {
        if (error != EtcdError.ANSWER_TOO_LARGE || firstBytes >= ReadView.maxAnswerBytes()) {
          return refused(error);
        }
        // The message, and its copy in the frame.
        wanted = 2 * ReadView.maxAnswerBytes();
      }
    }
    return whenThereIsRoom(
        wanted,
        over,
        share ->
            switch (read.apply(ReadView.maxAnswerBytes())) {
              case Outcome.Ok<? extends MessageLite>(var message) -> {
                ByteString framed = Framing.frame(message);
                share.resize(framed.size());
                yield answered(framed, share);
              }
              case Outcome.Refused<? extends MessageLite>(var error) -> {
                share.release();
                yield refused(error);
              }
            });
  }

  /**
   * An answer that is there, as what it tells of has happened already. It may overdraw the memory;
   * where that is too far, only the answer is refused.
   */
  public Outcome<Answer> happened(MessageLite message) {
    int bytes = message.getSerializedSize();
    if (bytes <= FREE_BYTES) {
      return Outcome.ok(new Answer.Whole(Framing.frame(message)));
    }
    AnswerMemory.Share share = memory.overdraw(bytes);
    return share == null
        ? Outcome.refused(EtcdError.ANSWER_TOO_LARGE)
        : Outcome.ok(inPieces(bytes, Framing.frame(message), share, null));
  }

  /**
   * The messages of a range that is streamed, in key order. On a read thread.
   *
   * @throws RejectedExecutionException if too many are under way
   */
  public Outcome<Source<ByteString, NotUsed>> stream(RangeRequest request) {
    return OpenRange.open(group, request)
        .map(range -> source(pieces(null, null, new StreamedRange(group, range))));
  }

  private CompletionStage<Outcome<Answer>> answered(
      ByteString framed, AnswerMemory.@Nullable Share share) {
    if (share == null) {
      return CompletableFuture.completedFuture(Outcome.ok(new Answer.Whole(framed)));
    }
    share.resize(framed.size());
    return CompletableFuture.completedFuture(
        Outcome.ok(inPieces(framed.size() - Framing.PREFIX_BYTES, framed, share, null)));
  }

  /** Takes over share and producer. */
  Answer inPieces(
      long messageBytes, ByteString first, AnswerMemory.Share share, @Nullable Producer producer) {
    AnswerInPieces pieces = pieces(first, share, producer);
    return new Answer.InPieces(messageBytes, source(pieces), pieces::discard);
  }

  private AnswerInPieces pieces(
      @Nullable ByteString first, AnswerMemory.@Nullable Share share, @Nullable Producer producer) {
    if (producer != null && open.size() >= MAX_OPEN) {
      producer.close();
      if (share != null) {
        share.release();
      }
      throw new RejectedExecutionException(MAX_OPEN + " large answers are under way");
    }
    AnswerInPieces pieces = new AnswerInPieces(this, first, share, producer);
    open.add(pieces);
    return pieces;
  }

  private static Source<ByteString, NotUsed> source(AnswerInPieces pieces) {
    return Source.fromGraph(pieces);
  }

  private static CompletionStage<Outcome<Answer>> refused(EtcdError error) {
    return CompletableFuture.completedFuture(Outcome.refused(error));
  }
}
