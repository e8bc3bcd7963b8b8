package io.kvorum.server.grpc;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.kvorum.protocol.Outcome;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/** One method of a service and what answers it. */
public sealed interface RpcMethod {
  MethodName name();

  RpcType type();

  /**
   * One request, one response. The handler is called on a dispatcher that others need: it must not
   * block. A failed stage is an internal error.
   *
   * @param servedByLearner whether a member without a vote may answer this request
   */
  record Unary<Q extends MessageLite, R extends MessageLite>(
      MethodName name,
      Parser<Q> parser,
      Predicate<Q> servedByLearner,
      Function<Q, CompletionStage<Outcome<R>>> handler)
      implements RpcMethod {
    @Override
    public RpcType type() {
      return RpcType.UNARY;
    }
  }

  /**
   * One request, a stream of responses; the end of the source is the call's status OK.
   *
   * @param servedByLearner whether a member without a vote may answer
   */
  record ServerStream<Q extends MessageLite, R extends MessageLite>(
      MethodName name,
      Parser<Q> parser,
      boolean servedByLearner,
      Function<Q, Source<R, NotUsed>> handler)
      implements RpcMethod {
    @Override
    public RpcType type() {
      return RpcType.SERVER_STREAM;
    }
  }

  /**
   * Streams both ways. The source of requests does not end when the client closes its side: the
   * call is over when the responses end, or the client cancels.
   */
  record BidiStream<Q extends MessageLite, R extends MessageLite>(
      MethodName name, Parser<Q> parser, Function<Source<Q, NotUsed>, Source<R, NotUsed>> handler)
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
