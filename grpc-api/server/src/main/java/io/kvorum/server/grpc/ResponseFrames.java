package io.kvorum.server.grpc;

import io.grpc.Status;
import java.time.Duration;
import org.apache.pekko.http.javadsl.model.HttpEntity.ChunkStreamPart;
import org.apache.pekko.japi.function.Effect;
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

/**
 * The responses of a streaming call as frames, closed by exactly one status: that of the source's
 * end, of the deadline, or the one somebody ended the call with. It never fails downstream, for
 * that would reset the HTTP/2 stream and hide the status.
 */
final class ResponseFrames<R> extends GraphStage<FlowShape<R, ChunkStreamPart>> {
  /** What the call's stream has to do with the rest of the server. */
  record Call(
      MethodName method,
      MethodMetrics metrics,
      long timeoutNanos,
      OpenStreams.Handle handle,
      OpenStreams openStreams) {}

  private static final String DEADLINE = "deadline";

  private final Inlet<R> in = Inlet.create("ResponseFrames.in");
  private final Outlet<ChunkStreamPart> out = Outlet.create("ResponseFrames.out");
  private final FlowShape<R, ChunkStreamPart> shape = FlowShape.of(in, out);
  private final Call call;
  private final ElementFraming<R> framing;

  ResponseFrames(Call call, ElementFraming<R> framing) {
    this.call = call;
    this.framing = framing;
  }

  @Override
  public FlowShape<R, ChunkStreamPart> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes inheritedAttributes) {
    return new Logic();
  }

  private final class Logic extends TimerGraphStageLogic {
    private final long startNanos = System.nanoTime();

    /** How the call ended: cancelled by the client, unless this side says otherwise first. */
    private Status status = Status.CANCELLED;

    private boolean ended;

    Logic() {
      super(shape);
      setHandler(
          in,
          new AbstractInHandler() {
            @Override
            public void onPush() {
              send(grab(in));
            }

            @Override
            public void onUpstreamFinish() {
              end(Status.OK);
            }

            @Override
            public void onUpstreamFailure(Throwable failure) {
              end(RpcFailure.statusOf(failure, call.method()));
            }
          });
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              if (!hasBeenPulled(in) && !isClosed(in)) {
                pull(in);
              }
            }
          });
    }

    @Override
    public void preStart() {
      call.openStreams().add(call.handle());
      AsyncCallback<Status> ending = createAsyncCallback(this::end);
      call.handle().attach(ending::invoke);
      if (call.timeoutNanos() != CallHeaders.NO_TIMEOUT) {
        scheduleOnce(DEADLINE, Duration.ofNanos(call.timeoutNanos()));
      }
    }

    @Override
    public void onTimer(Object timerKey) {
      end(GrpcDispatcher.DEADLINE_EXCEEDED);
    }

    @Override
    public void postStop() {
      call.openStreams().remove(call.handle());
      call.metrics().handled(status.getCode(), System.nanoTime() - startNanos);
    }

    private void send(R element) {
      try {
        var frames = framing.frames(element);
        call.metrics().sent(frames.count(), frames.messageBytes());
        push(out, ChunkStreamPart.create(frames.bytes()));
      } catch (RpcFailure refused) {
        end(refused.status());
      }
    }

    private void end(Status with) {
      if (ended) {
        return;
      }
      ended = true;
      status = with;
      if (!isClosed(in)) {
        cancel(in);
      }
      emit(out, GrpcResponses.last(with), (Effect) this::completeStage);
    }
  }
}
