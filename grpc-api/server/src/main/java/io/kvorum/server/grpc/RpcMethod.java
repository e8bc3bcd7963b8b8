package io.kvorum.server.grpc;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.kvorum.protocol.Outcome;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/** One method of a service and what answers it. */
public sealed interface RpcMethod {
  MethodName name();

  RpcType type();

  /**
   * One request, one response. The handler is called on a dispatcher that others need: it must not
   * block. A failed stage is an internal error.
   */
  sealed interface OneResponse<Q extends MessageLite, R> extends RpcMethod {
    Parser<Q> parser();

    /** Whether a member without a vote may answer this request. */
    Predicate<Q> servedByLearner();

    /**
     * @param over whether nobody waits for the response any more
     */
    CompletionStage<Outcome<R>> respond(Q request, BooleanSupplier over);

    Answer encoded(R response);

    @Override
    default RpcType type() {
      return RpcType.UNARY;
    }
  }

  /** The usual one. */
  record Unary<Q extends MessageLite, R extends MessageLite>(
      MethodName name,
      Parser<Q> parser,
      Predicate<Q> servedByLearner,
      Function<Q, CompletionStage<Outcome<R>>> handler)
      implements OneResponse<Q, R> {
    @Override
    public CompletionStage<Outcome<R>> respond(Q request, BooleanSupplier over) {
      return handler.apply(request);
    }

    @Override
    public Answer encoded(R response) {
      return new Answer.Whole(Messages.frame(response));
    }
  }

  /** One whose response may be too large to be one object in memory. */
  record EncodedUnary<Q extends MessageLite>(
      MethodName name,
      Parser<Q> parser,
      Predicate<Q> servedByLearner,
      BiFunction<Q, BooleanSupplier, CompletionStage<Outcome<Answer>>> handler)
      implements OneResponse<Q, Answer> {
    @Override
    public CompletionStage<Outcome<Answer>> respond(Q request, BooleanSupplier over) {
      return handler.apply(request, over);
    }

    @Override
    public Answer encoded(Answer response) {
      return response;
    }
  }

  /** One request, a stream of responses; the end of the source is the call's status OK. */
  sealed interface ManyResponses<Q extends MessageLite, R> extends RpcMethod {
    Parser<Q> parser();

    /** Whether a member without a vote may answer. */
    boolean servedByLearner();

    Source<R, NotUsed> respond(Q request);

    ByteString framed(R response);

    @Override
    default RpcType type() {
      return RpcType.SERVER_STREAM;
    }
  }

  /** The usual one. */
  record ServerStream<Q extends MessageLite, R extends MessageLite>(
      MethodName name,
      Parser<Q> parser,
      boolean servedByLearner,
      Function<Q, Source<R, NotUsed>> handler)
      implements ManyResponses<Q, R> {
    @Override
    public Source<R, NotUsed> respond(Q request) {
      return handler.apply(request);
    }

    @Override
    public ByteString framed(R response) {
      return Messages.frame(response);
    }
  }

  /** One that puts its responses into frames itself, each into one. */
  record EncodedStream<Q extends MessageLite>(
      MethodName name,
      Parser<Q> parser,
      boolean servedByLearner,
      Function<Q, Source<ByteString, NotUsed>> handler)
      implements ManyResponses<Q, ByteString> {
    @Override
    public Source<ByteString, NotUsed> respond(Q request) {
      return handler.apply(request);
    }

    @Override
    public ByteString framed(ByteString response) {
      return response;
    }
  }

  /**
   * One request, one response that may be long in coming: the source holds it alone, or fails. The
   * source is cancelled when the client does not wait any longer, which {@link Unary} never learns.
   */
  record WaitingUnary<Q extends MessageLite, R extends MessageLite>(
      MethodName name, Parser<Q> parser, Function<Q, Source<R, NotUsed>> handler)
      implements RpcMethod {
    @Override
    public RpcType type() {
      return RpcType.UNARY;
    }
  }

  /**
   * Streams both ways. The call is over when the responses end, or the client cancels.
   *
   * @param framing of what the source of responses is made
   * @param requestsEnd whether the source of requests ends when the client closes its side
   */
  record BidiStream<Q extends MessageLite, R>(
      MethodName name,
      Parser<Q> parser,
      ElementFraming<R> framing,
      boolean requestsEnd,
      Function<Source<Q, NotUsed>, Source<R, NotUsed>> handler)
      implements RpcMethod {
    @Override
    public RpcType type() {
      return RpcType.BIDI_STREAM;
    }
  }

  /** A method of the contract that this server does not offer yet. */
  record NotServed(MethodName name, RpcType type) implements RpcMethod {
    String text() {
      return "kvorum: " + name + " is not supported yet";
    }
  }
}
