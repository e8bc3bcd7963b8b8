package io.kvorum.server.grpc;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Parser;
import io.grpc.Status;
import java.util.ArrayDeque;
import java.util.function.Consumer;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.FlowShape;
import org.apache.pekko.stream.Inlet;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.stage.AbstractInHandler;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.GraphStageLogic;
import org.jspecify.annotations.Nullable;

/**
 * The request stream of a call as messages.
 *
 * <p>The client closing its side ends the messages only where that is wanted: a call such as Watch
 * goes on until it is cancelled. A consumer that cancels does not cancel the bytes: that would
 * reset the HTTP/2 stream and take the response's status with it; they are read and dropped
 * instead. A request that cannot be read ends the call through {@code refuse} and fails the
 * messages.
 *
 * <p>At most the messages of one chunk of bytes are held, and the next chunk is asked for only when
 * they are gone, so a slow consumer is felt by the client through HTTP/2's flow control.
 */
final class RequestMessages<Q> extends GraphStage<FlowShape<org.apache.pekko.util.ByteString, Q>> {
  private final Inlet<org.apache.pekko.util.ByteString> in = Inlet.create("RequestMessages.in");
  private final Outlet<Q> out = Outlet.create("RequestMessages.out");
  private final FlowShape<org.apache.pekko.util.ByteString, Q> shape = FlowShape.of(in, out);

  private final Parser<Q> parser;
  private final boolean endsWithClient;
  private final int maxBytes;
  private final @Nullable String encoding;
  private final MethodMetrics metrics;
  private final Consumer<Status> refuse;

  RequestMessages(
      Parser<Q> parser,
      boolean endsWithClient,
      int maxBytes,
      @Nullable String encoding,
      MethodMetrics metrics,
      Consumer<Status> refuse) {
    this.parser = parser;
    this.endsWithClient = endsWithClient;
    this.maxBytes = maxBytes;
    this.encoding = encoding;
    this.metrics = metrics;
    this.refuse = refuse;
  }

  @Override
  public FlowShape<org.apache.pekko.util.ByteString, Q> shape() {
    return shape;
  }

  @Override
  public GraphStageLogic createLogic(Attributes inheritedAttributes) {
    return new Logic();
  }

  private final class Logic extends GraphStageLogic {
    private final MessageAssembler assembler = new MessageAssembler(maxBytes, encoding);
    private final ArrayDeque<Q> ready = new ArrayDeque<>();

    Logic() {
      super(shape);
      setHandler(
          in,
          new AbstractInHandler() {
            @Override
            public void onPush() {
              read(grab(in));
            }

            @Override
            public void onUpstreamFinish() {
              if (isClosed(out)) {
                completeStage();
              } else if (!assembler.betweenMessages()) {
                refuse(new RpcFailure(Status.INTERNAL.withDescription("unexpected EOF")));
              } else {
                advance();
              }
            }

            /** The client reset the stream, or its connection is gone. */
            @Override
            public void onUpstreamFailure(Throwable failure) {
              refuse(new RpcFailure(Status.CANCELLED.withDescription("context canceled")));
            }
          });
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              advance();
            }

            @Override
            public void onDownstreamFinish(Throwable cause) {
              ready.clear();
              if (isClosed(in)) {
                completeStage();
              } else if (!hasBeenPulled(in)) {
                pull(in);
              }
            }
          });
    }

    private void read(org.apache.pekko.util.ByteString bytes) {
      if (!isClosed(out)) {
        try {
          assembler.feed(bytes, this::parsed);
        } catch (RpcFailure refused) {
          refuse(refused);
        }
      }
      advance();
    }

    private void parsed(byte[] bytes) {
      try {
        ready.add(Messages.parse(parser, bytes));
      } catch (InvalidProtocolBufferException e) {
        throw new RpcFailure(
            Status.INTERNAL.withDescription(
                "grpc: failed to unmarshal the received message: " + e.getMessage()));
      }
      metrics.received(bytes.length);
    }

    private void refuse(RpcFailure refused) {
      ready.clear();
      refuse.accept(refused.status());
      if (isClosed(in)) {
        failStage(refused);
      } else {
        fail(out, refused);
      }
    }

    private void advance() {
      if (isClosed(out)) {
        if (!isClosed(in) && !hasBeenPulled(in)) {
          pull(in);
        }
      } else if (!ready.isEmpty()) {
        if (isAvailable(out)) {
          push(out, ready.remove());
          endIfOver();
        }
      } else if (!isClosed(in) && !hasBeenPulled(in)) {
        pull(in);
      } else {
        endIfOver();
      }
    }

    private void endIfOver() {
      if (endsWithClient && isClosed(in) && ready.isEmpty()) {
        completeStage();
      }
    }
  }
}
