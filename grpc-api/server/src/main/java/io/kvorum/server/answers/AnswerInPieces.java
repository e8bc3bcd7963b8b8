package io.kvorum.server.answers;

import io.grpc.Status;
import io.kvorum.server.grpc.RpcFailure;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.SourceShape;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.AsyncCallback;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.GraphStageLogic;
import org.apache.pekko.util.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * An answer as its client takes it: a piece is read when the one before has gone into the
 * connection, and has a share of {@link AnswerMemory} from before it is read until the next is
 * asked for. May be run once.
 */
final class AnswerInPieces extends GraphStage<SourceShape<ByteString>> {
  /** About what a piece takes; more only where a single record is longer. */
  static final int PIECE_BYTES = 128 * 1024;

  /** A client that takes nothing for so long gives way to those who wait for memory. */
  static final long STALLED_NANOS = 10_000_000_000L;

  /** An answer that nobody has begun to send by then is dropped: its connection has gone. */
  private static final long UNSENT_NANOS = 30_000_000_000L;

  private static final Status STALLED =
      Status.RESOURCE_EXHAUSTED.withDescription(
          "kvorum: the client did not read while others waited for memory");

  private final Outlet<ByteString> out = Outlet.create("AnswerInPieces.out");
  private final SourceShape<ByteString> shape = SourceShape.of(out);
  private final Answers answers;
  private final @Nullable Producer producer;
  private final long madeAtNanos = System.nanoTime();

  /** Read already, and its share; the stage's once it runs. */
  private @Nullable ByteString first;

  private AnswerMemory.@Nullable Share share;

  /** Granted, and not yet with the stage. */
  private AnswerMemory.@Nullable Share onItsWay;

  private @Nullable Consumer<Status> end;
  private boolean over;

  /** Since when the client has a piece in its hands; 0 while it waits for one. */
  private volatile long idleSinceNanos;

  /**
   * @param first read already, or null
   * @param share of that
   * @param producer of what comes behind it; null for nothing
   */
  AnswerInPieces(
      Answers answers,
      @Nullable ByteString first,
      AnswerMemory.@Nullable Share share,
      @Nullable Producer producer) {
    this.answers = answers;
    this.first = first;
    this.share = share;
    this.producer = producer;
    this.idleSinceNanos = madeAtNanos;
  }

  @Override
  public SourceShape<ByteString> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes inheritedAttributes) {
    return new Logic();
  }

  /** Nobody will run it. */
  void discard() {
    AnswerMemory.Share held;
    synchronized (this) {
      if (over || end != null) {
        return;
      }
      over = true;
      held = share;
      first = null;
    }
    finish(held);
  }

  private void finish(AnswerMemory.@Nullable Share held) {
    if (producer != null) {
      producer.close();
    }
    if (held != null) {
      held.release();
    }
    answers.forget(this);
  }

  /**
   * Now and then, from outside.
   *
   * @param othersWait for memory
   */
  void tidy(long nowNanos, boolean othersWait) {
    if (producer != null) {
      producer.tidy(nowNanos);
    }
    Consumer<Status> running;
    synchronized (this) {
      running = end;
    }
    if (running == null) {
      if (nowNanos - madeAtNanos >= UNSENT_NANOS) {
        discard();
      }
      return;
    }
    long since = idleSinceNanos;
    if (othersWait && since != 0 && nowNanos - since >= STALLED_NANOS) {
      running.accept(STALLED);
    }
  }

  private final class Logic extends GraphStageLogic {
    private @Nullable AsyncCallback<AnswerMemory.Share> granted;
    private @Nullable AsyncCallback<Producer.Progress> progressed;
    private @Nullable AsyncCallback<Throwable> failed;
    private AnswerMemory.@Nullable Share held;
    private AnswerMemory.@Nullable Waiting waiting;
    private boolean lastSent;
    private boolean refused;

    Logic() {
      super(shape);
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              more();
            }
          });
    }

    @Override
    public void preStart() {
      granted = createAsyncCallback(this::onTaken);
      progressed = createAsyncCallback(this::onProgress);
      failed = createAsyncCallback(this::failStage);
      AsyncCallback<Status> ending =
          createAsyncCallback(status -> failStage(new RpcFailure(status)));
      synchronized (AnswerInPieces.this) {
        if (over || end != null) {
          refused = true;
          failStage(new RpcFailure(Status.CANCELLED));
          return;
        }
        end = ending::invoke;
        held = share;
      }
    }

    private void more() {
      ByteString ready;
      synchronized (AnswerInPieces.this) {
        ready = first;
        first = null;
      }
      if (ready != null) {
        send(ready, producer == null);
        return;
      }
      release();
      if (lastSent || producer == null) {
        completeStage();
        return;
      }
      idleSinceNanos = 0;
      AnswerMemory.Share taken = answers.memory().tryTake(PIECE_BYTES);
      if (taken != null) {
        read(taken);
        return;
      }
      try {
        waiting = answers.memory().take(PIECE_BYTES, this::onGranted);
      } catch (RejectedExecutionException e) {
        failStage(e);
      }
    }

    /** On any thread, perhaps after the stage has ended: whoever comes second gives it back. */
    private void onGranted(AnswerMemory.Share taken) {
      AsyncCallback<AnswerMemory.Share> callback = granted;
      boolean late;
      synchronized (AnswerInPieces.this) {
        late = over || callback == null;
        onItsWay = late ? null : taken;
      }
      if (late || callback == null) {
        taken.release();
      } else {
        callback.invoke(taken);
      }
    }

    private void onTaken(AnswerMemory.Share taken) {
      synchronized (AnswerInPieces.this) {
        onItsWay = null;
      }
      waiting = null;
      read(taken);
    }

    private void read(AnswerMemory.Share taken) {
      held = taken;
      answers.slices().run(new Reading());
    }

    private void onProgress(Producer.Progress progress) {
      switch (progress) {
        case Producer.Progress.NotYet notYet -> answers.slices().run(new Reading());
        case Producer.Progress.Piece(var bytes, var last) -> {
          if (held != null) {
            held.resize(bytes.size());
          }
          send(bytes, last);
        }
      }
    }

    /** The end is not told with the last piece: until that has gone, its share is not free. */
    private void send(ByteString bytes, boolean last) {
      lastSent = last;
      idleSinceNanos = System.nanoTime();
      push(out, bytes);
    }

    private void release() {
      AnswerMemory.Share sent = held;
      held = null;
      if (sent != null) {
        sent.release();
      }
    }

    @Override
    public void postStop() {
      AnswerMemory.Waiting queued = waiting;
      if (queued != null) {
        queued.cancel();
      }
      AnswerMemory.Share late;
      synchronized (AnswerInPieces.this) {
        if (refused || over) {
          return;
        }
        over = true;
        first = null;
        late = onItsWay;
        onItsWay = null;
      }
      if (late != null) {
        late.release();
      }
      finish(held);
    }

    private final class Reading implements Slices.Slice {
      @Override
      public void run() {
        try {
          Producer source = producer;
          if (source != null) {
            tell(progressed, source.next(System.nanoTime() + Slices.SLICE_NANOS));
          }
        } catch (RuntimeException e) {
          tell(failed, e);
        }
      }

      @Override
      public void rejected(RejectedExecutionException why) {
        tell(failed, why);
      }

      private static <T> void tell(@Nullable AsyncCallback<T> callback, T what) {
        if (callback != null) {
          callback.invoke(what);
        }
      }
    }
  }
}
