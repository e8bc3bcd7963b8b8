package io.kvorum.actors.watch;

import io.kvorum.actors.telemetry.EtcdMetrics;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.etcdserverpb.ResponseHeader;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.apache.pekko.actor.Terminated;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.FlowShape;
import org.apache.pekko.stream.Inlet;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.stage.AbstractInHandler;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.AsyncCallback;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.GraphStageLogic;
import org.apache.pekko.stream.stage.TimerGraphStageLogic;
import org.jspecify.annotations.Nullable;
import scala.runtime.BoxedUnit;

/** Runs a {@link WatchSession} between a client's requests and its demand for responses. */
final class WatchStage extends GraphStage<FlowShape<WatchRequest, WatchResponse>> {
  private static final Duration HISTORY_RETRY = Duration.ofMillis(10);
  private static final double PROGRESS_JITTER = 0.1;

  private enum Timer {
    PROGRESS,
    HISTORY_RETRY
  }

  private final Inlet<WatchRequest> in = Inlet.create("WatchStage.in");
  private final Outlet<WatchResponse> out = Outlet.create("WatchStage.out");
  private final FlowShape<WatchRequest, WatchResponse> shape = FlowShape.of(in, out);

  private final ActorRef<WatchHub.Message> hub;
  private final WatchHub.Settings settings;
  private final Supplier<ReadView> views;
  private final LongFunction<ResponseHeader> headers;
  private final Executor readExecutor;
  private final EtcdMetrics metrics;

  WatchStage(
      ActorRef<WatchHub.Message> hub,
      WatchHub.Settings settings,
      Supplier<ReadView> views,
      LongFunction<ResponseHeader> headers,
      Executor readExecutor,
      EtcdMetrics metrics) {
    this.hub = hub;
    this.settings = settings;
    this.views = views;
    this.headers = headers;
    this.readExecutor = readExecutor;
    this.metrics = metrics;
  }

  @Override
  public FlowShape<WatchRequest, WatchResponse> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes inheritedAttributes) {
    return new Logic();
  }

  /** What came of one read of history. */
  private record HistoryRead(CatchUp.@Nullable Result result, @Nullable Throwable failure) {}

  private final class Logic extends TimerGraphStageLogic implements WatchSession.Outside {
    private final AsyncCallback<HubReply> replies = createAsyncCallback(this::onReply);
    private final AsyncCallback<HistoryRead> reads = createAsyncCallback(this::onHistory);
    private final WatchSession session;

    Logic() {
      super(shape);
      var port = new StreamPort(replies::invoke, settings.streamBatches(), settings.streamBytes());
      this.session = new WatchSession(settings, views, headers, metrics, port, this);
      setHandler(
          in,
          new AbstractInHandler() {
            @Override
            public void onPush() {
              session.onRequest(grab(in));
              flow();
            }

            @Override
            public void onUpstreamFinish() {
              // The client has closed its side; its watchers go on until the call is cancelled.
            }
          });
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              flow();
            }
          });
    }

    @Override
    public void preStart() {
      var self =
          getStageActor(
              message -> {
                if (message._2() instanceof Terminated) {
                  failStage(EtcdError.STOPPED.status().asRuntimeException());
                }
                return BoxedUnit.UNIT;
              });
      self.watch(Adapter.toClassic(hub));
      session.open();
      flow();
    }

    @Override
    public void postStop() {
      session.close();
    }

    @Override
    public void onTimer(Object key) {
      switch ((Timer) key) {
        case PROGRESS -> session.onProgressInterval();
        case HISTORY_RETRY -> session.onHistoryRefused();
      }
      flow();
    }

    private void onReply(HubReply reply) {
      session.onReply(reply);
      flow();
    }

    private void onHistory(HistoryRead read) {
      if (read.result() != null) {
        session.onHistory(read.result());
        flow();
      } else if (read.failure() != null) {
        failStage(read.failure());
      }
    }

    private void flow() {
      if (isAvailable(out)) {
        var response = session.poll();
        if (response != null) {
          push(out, response);
          session.advance();
        }
      }
      if (session.acceptsRequest() && !hasBeenPulled(in) && !isClosed(in)) {
        pull(in);
      }
    }

    @Override
    public void tellHub(StreamMessage message) {
      hub.tell(message);
    }

    @Override
    public void readHistory(CatchUp.Request request) {
      try {
        CompletableFuture.supplyAsync(() -> CatchUp.read(request, views), readExecutor)
            .whenComplete((result, failure) -> reads.invoke(new HistoryRead(result, failure)));
      } catch (RejectedExecutionException full) {
        scheduleOnce(Timer.HISTORY_RETRY, HISTORY_RETRY);
      }
    }

    @Override
    public void startProgressInterval() {
      var interval = settings.progressInterval();
      double jitter = ThreadLocalRandom.current().nextDouble(PROGRESS_JITTER);
      var jittered = interval.plusNanos((long) (interval.toNanos() * jitter));
      scheduleAtFixedRate(Timer.PROGRESS, jittered, jittered);
    }
  }
}
