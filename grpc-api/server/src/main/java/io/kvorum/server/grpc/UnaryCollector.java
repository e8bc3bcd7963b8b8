package io.kvorum.server.grpc;

import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpEntity;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.util.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * Reads the message of a unary request that did not arrive in one piece. Once the request is
 * refused the rest is still read, and dropped: to cancel it instead would reset the stream before
 * the client has seen the answer, and would leave what is buffered counted against the connection's
 * window.
 */
final class UnaryCollector {
  private final CompletableFuture<byte[]> result = new CompletableFuture<>();
  private final SingleMessage only = new SingleMessage();
  private @Nullable MessageAssembler assembler;

  private UnaryCollector(int maxBytes, @Nullable String encoding) {
    this.assembler = new MessageAssembler(maxBytes, encoding);
  }

  static CompletionStage<byte[]> collect(
      HttpEntity entity, int maxBytes, @Nullable String encoding, Materializer materializer) {
    UnaryCollector collector = new UnaryCollector(maxBytes, encoding);
    entity
        .getDataBytes()
        .runForeach(collector::feed, materializer)
        .whenComplete((done, failure) -> collector.end(failure));
    return collector.result;
  }

  private void feed(ByteString bytes) {
    if (assembler == null) {
      return;
    }
    try {
      assembler.feed(bytes, only);
    } catch (RpcFailure refused) {
      fail(refused);
    }
  }

  private void end(@Nullable Throwable failure) {
    if (failure != null) {
      fail(new RpcFailure(Status.CANCELLED.withDescription("context canceled")));
    } else if (assembler != null) {
      try {
        result.complete(only.atEnd(assembler));
      } catch (RpcFailure refused) {
        fail(refused);
      }
    }
  }

  private void fail(RpcFailure refused) {
    assembler = null;
    result.completeExceptionally(refused);
  }
}
