package io.kvorum.actors.watch;

import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.etcdserverpb.WatchRequest;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.pekko.Done;
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
import scala.runtime.BoxedUnit;

/** Runs a {@link WatchSession} between a client's requests and its demand for responses. */
final class WatchStage extends GraphStage<FlowShape<WatchRequest, ResponseChunk>> {
  private static final Duration HISTORY_RETRY = Duration.ofMillis(10);
  private static final double PROGRESS_JITTER = 0.1;

  private enum Timer {
    PROGRESS,
    HISTORY_RETRY
  }

  private final Inlet<WatchRequest> in = Inlet.create("WatchStage.in");
  private final Outlet<ResponseChunk> out = Outlet.create("WatchStage.out");
  private final FlowShape<WatchRequest, ResponseChunk> shape = FlowShape.of(in, out);

  private final ActorRef<WatchHub.Message> hub;
  private final WatchStreams streams;
  private final Duration progressInterval;

  WatchStage(ActorRef<WatchHub.Message> hub, WatchStreams streams, Duration progressInterval) {
    this.hub = hub;
    this.streams = streams;
    this.progressInterval = progressInterval;
  }

  @Override
  public FlowShape<WatchRequest, ResponseChunk> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes inheritedAttributes) {
    return new Logic();
  }

  private final class Logic extends TimerGraphStageLogic implements WatchSession.Outside {
    private final AsyncCallback<Done> bell = createAsyncCallback(this::onBell);
    private final AsyncCallback<Runnable> tasks = createAsyncCallback(this::onTask);
    private final WatchSession session = streams.session(this);

    Logic() {
      super(shape);
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
        case HISTORY_RETRY -> session.onTryAgain();
      }
      flow();
    }

    private void onBell(Done rung) {
      session.onReplies();
      flow();
    }

    private void onTask(Runnable task) {
      task.run();
      flow();
    }

    private void flow() {
      if (isAvailable(out)) {
        var chunk = session.poll();
        if (chunk != null) {
          push(out, chunk);
        }
      }
      if (session.acceptsRequest() && !hasBeenPulled(in) && !isClosed(in)) {
        pull(in);
      }
    }

    @Override
    public void tellHub(WatchHub.Message message) {
      hub.tell(message);
    }

    @Override
    public void ring() {
      bell.invoke(Done.getInstance());
    }

    @Override
    public void later(Runnable task) {
      tasks.invoke(task);
    }

    @Override
    public void tryAgain() {
      scheduleOnce(Timer.HISTORY_RETRY, HISTORY_RETRY);
    }

    @Override
    public void fail(Throwable cause) {
      failStage(cause);
    }

    @Override
    public void startProgressInterval() {
      double jitter = ThreadLocalRandom.current().nextDouble(PROGRESS_JITTER);
      var jittered = progressInterval.plusNanos((long) (progressInterval.toNanos() * jitter));
      scheduleAtFixedRate(Timer.PROGRESS, jittered, jittered);
    }
  }
}
