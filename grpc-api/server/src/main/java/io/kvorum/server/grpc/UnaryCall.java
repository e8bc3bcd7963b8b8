package io.kvorum.server.grpc;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import io.grpc.Status;
import io.kvorum.protocol.Outcome;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.http.javadsl.model.HttpEntity;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.jspecify.annotations.Nullable;

/**
 * One unary call, and the promise of its answer. Whoever completes it first, the method, the
 * deadline or a refusal, is the one that is counted.
 */
final class UnaryCall<Q extends MessageLite, R> extends CompletableFuture<HttpResponse> {
  private final RpcMethod.OneResponse<Q, R> method;
  private final MethodMetrics metrics;
  private final CallHeaders headers;
  private final GrpcDispatcher.Context context;
  private final long startNanos = System.nanoTime();
  private volatile boolean started;
  private int requestBytes;

  UnaryCall(
      RpcMethod.OneResponse<Q, R> method,
      MethodMetrics metrics,
      CallHeaders headers,
      GrpcDispatcher.Context context) {
    this.method = method;
    this.metrics = metrics;
    this.headers = headers;
    this.context = context;
  }

  UnaryCall<Q, R> run(HttpRequest request) {
    int maxBytes = context.limits().maxReceiveBytes();
    if (request.entity() instanceof HttpEntity.Strict strict) {
      byte[] message;
      try {
        message = Messages.single(strict.getData(), maxBytes, headers.encoding());
      } catch (RpcFailure refused) {
        refuse(refused.status());
        return this;
      }
      onMessage(message);
    } else {
      UnaryCollector.collect(request.entity(), maxBytes, headers.encoding(), context.materializer())
          .whenComplete(this::onCollected);
    }
    if (headers.timeoutNanos() != CallHeaders.NO_TIMEOUT && !isDone()) {
      Cancellable deadline =
          context
              .scheduler()
              .scheduleOnce(
                  Duration.ofNanos(headers.timeoutNanos()),
                  () -> refuse(GrpcDispatcher.DEADLINE_EXCEEDED),
                  context.executor());
      whenComplete((response, failure) -> deadline.cancel());
    }
    return this;
  }

  private void onCollected(byte @Nullable [] message, @Nullable Throwable failure) {
    if (message != null) {
      onMessage(message);
    } else if (failure != null) {
      refuse(RpcFailure.statusOf(failure, method.name()));
    }
  }

  private void onMessage(byte[] message) {
    Q request;
    try {
      request = Messages.parse(method.parser(), message);
    } catch (InvalidProtocolBufferException e) {
      refuse(
          Status.INTERNAL.withDescription("grpc: error unmarshalling request: " + e.getMessage()));
      return;
    }
    requestBytes = message.length;
    metrics.started();
    metrics.received(message.length);
    started = true;
    Status refusal =
        context.guard().refusal(headers, RpcType.UNARY, method.servedByLearner().test(request));
    if (refusal != null) {
      refuse(refusal);
      return;
    }
    try {
      method.respond(request, this::isDone).whenComplete(this::onOutcome);
    } catch (RuntimeException e) {
      refuse(RpcFailure.statusOf(e, method.name()));
    }
  }

  private void onOutcome(@Nullable Outcome<R> outcome, @Nullable Throwable failure) {
    if (failure != null || outcome == null) {
      refuse(
          RpcFailure.statusOf(
              failure == null ? new IllegalStateException("no outcome") : failure, method.name()));
      return;
    }
    switch (outcome) {
      case Outcome.Ok<R>(var response) -> answer(response);
      case Outcome.Refused<R>(var error) -> refuse(error.status());
    }
  }

  private void answer(R response) {
    Answer encoded;
    try {
      encoded = method.encoded(response);
    } catch (RpcFailure tooLarge) {
      refuse(tooLarge.status());
      return;
    }
    HttpResponse http =
        switch (encoded) {
          case Answer.Whole(var framed) -> GrpcResponses.single(framed);
          case Answer.InPieces pieces -> GrpcResponses.inPieces(pieces.framed(), method.name());
        };
    if (complete(http)) {
      int bytes = Math.toIntExact(encoded.messageBytes());
      metrics.sent(1, bytes);
      handled(Status.Code.OK, bytes);
    } else {
      encoded.discard();
    }
  }

  private void refuse(Status status) {
    if (complete(GrpcResponses.trailersOnly(status)) && started) {
      handled(status.getCode(), 0);
    }
  }

  private void handled(Status.Code code, int responseBytes) {
    long elapsedNanos = System.nanoTime() - startNanos;
    metrics.handled(code, elapsedNanos);
    if (elapsedNanos > context.limits().warnUnaryNanos()) {
      context.slowCalls().log(method.name(), code, elapsedNanos, requestBytes, responseBytes);
    }
  }
}
