package io.kvorum.server.grpc;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.Scheduler;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.model.HttpMethods;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.RequestEntity;
import org.apache.pekko.http.scaladsl.model.Uri;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.SystemMaterializer;
import org.apache.pekko.stream.javadsl.Source;
import org.jspecify.annotations.Nullable;
import scala.concurrent.ExecutionContext;

/** Takes an HTTP/2 request in the form of gRPC to its method. */
public final class GrpcDispatcher {
  static final Status DEADLINE_EXCEEDED =
      Status.DEADLINE_EXCEEDED.withDescription("context deadline exceeded");

  private static final String GRPC_MEDIA_TYPE = "application/grpc";
  private static final String HTTP_2 = "HTTP/2.0";

  /** Far beyond any real deadline, and within what the scheduler's wheel can hold. */
  private static final long TIMEOUT_MAX_NANOS = java.time.Duration.ofDays(30).toNanos();

  /** What every call needs besides its method. */
  record Context(
      GrpcLimits limits,
      CallGuard guard,
      OpenStreams openStreams,
      SlowCallLog slowCalls,
      Materializer materializer,
      Scheduler scheduler,
      ExecutionContext executor) {}

  private final RpcTable table;
  private final Context context;

  public GrpcDispatcher(
      ActorSystem<?> system,
      RpcTable table,
      GrpcLimits limits,
      CallGuard guard,
      OpenStreams openStreams) {
    this.table = table;
    this.context =
        new Context(
            limits,
            guard,
            openStreams,
            new SlowCallLog(),
            SystemMaterializer.get(system).materializer(),
            system.classicSystem().scheduler(),
            system.executionContext());
  }

  /** Whether a request speaks gRPC; HTTP/1.1 never does, whatever its content type. */
  public static boolean isGrpc(HttpRequest request) {
    return isHttp2(request)
        && isGrpcContentType(request.entity().getContentType().mediaType().toString());
  }

  private static boolean isHttp2(HttpRequest request) {
    return request.protocol().value().equals(HTTP_2);
  }

  private static boolean isGrpcContentType(String mediaType) {
    return mediaType.startsWith(GRPC_MEDIA_TYPE)
        && (mediaType.length() == GRPC_MEDIA_TYPE.length()
            || mediaType.charAt(GRPC_MEDIA_TYPE.length()) == '+'
            || mediaType.charAt(GRPC_MEDIA_TYPE.length()) == ';');
  }

  /**
   * The refusal of a request that names a method and comes over HTTP/2, yet with a content type
   * that is not gRPC's; null for any other request.
   */
  public @Nullable HttpResponse wrongContentType(HttpRequest request) {
    if (!isHttp2(request) || find(path(request)) == null) {
      return null;
    }
    drain(request);
    Status status =
        Status.INVALID_ARGUMENT.withDescription(
            "invalid gRPC request content-type \"" + request.entity().getContentType() + '"');
    return GrpcResponses.trailersOnly(415, status);
  }

  /** Answers a request for which {@link #isGrpc} holds. */
  public CompletionStage<HttpResponse> handle(HttpRequest request) {
    CallHeaders headers = CallHeaders.of(request);
    Status malformed = headers.malformed();
    if (malformed != null) {
      return refused(request, 400, malformed);
    }
    if (!request.method().equals(HttpMethods.POST)) {
      String text =
          "Received a HEADERS frame with :method \""
              + request.method().value()
              + "\" which should be POST";
      return refused(request, 405, Status.INTERNAL.withDescription(text));
    }
    if (headers.timeoutNanos() <= 0) {
      return refused(request, 200, DEADLINE_EXCEEDED);
    }
    RpcTable.Entry entry = find(path(request));
    if (entry == null) {
      return refused(request, 200, unknown(path(request).toString()));
    }
    try {
      Messages.checkEncoding(headers.encoding());
    } catch (RpcFailure unsupported) {
      return refused(request, 200, unsupported.status());
    }
    return dispatch(entry, request, bounded(headers));
  }

  private CompletionStage<HttpResponse> dispatch(
      RpcTable.Entry entry, HttpRequest request, CallHeaders headers) {
    MethodMetrics metrics = entry.metrics();
    return switch (entry.method()) {
      case RpcMethod.WaitingUnary<?, ?> unary ->
          serverStream(asStream(unary), metrics, headers, request);
      case RpcMethod.OneResponse<?, ?> unary -> unary(unary, metrics, headers).run(request);
      case RpcMethod.ManyResponses<?, ?> stream -> serverStream(stream, metrics, headers, request);
      case RpcMethod.BidiStream<?, ?> stream -> bidiStream(stream, metrics, headers, request);
      case RpcMethod.NotServed method -> {
        metrics.started();
        metrics.handled(Status.Code.UNIMPLEMENTED, 0);
        yield refused(request, 200, Status.UNIMPLEMENTED.withDescription(method.text()));
      }
    };
  }

  private <Q extends MessageLite, R> UnaryCall<Q, R> unary(
      RpcMethod.OneResponse<Q, R> method, MethodMetrics metrics, CallHeaders headers) {
    return new UnaryCall<>(method, metrics, headers, context);
  }

  /** On the wire the two do not differ, but for what they are counted as. */
  private static <Q extends MessageLite, R extends MessageLite>
      RpcMethod.ServerStream<Q, R> asStream(RpcMethod.WaitingUnary<Q, R> unary) {
    return new RpcMethod.ServerStream<>(unary.name(), unary.parser(), false, unary.handler());
  }

  private <Q extends MessageLite, R> CompletionStage<HttpResponse> bidiStream(
      RpcMethod.BidiStream<Q, R> method,
      MethodMetrics metrics,
      CallHeaders headers,
      HttpRequest request) {
    metrics.started();
    Status refusal = context.guard().refusal(headers, method.type(), false);
    if (refusal != null) {
      metrics.handled(refusal.getCode(), 0);
      return refused(request, 200, refusal);
    }
    OpenStreams.Handle handle = new OpenStreams.Handle(headers.requireLeader());
    Source<Q, NotUsed> requests =
        request
            .entity()
            .getDataBytes()
            .mapMaterializedValue(ignored -> NotUsed.getInstance())
            .via(
                new RequestMessages<>(
                    method.parser(),
                    method.requestsEnd(),
                    context.limits().maxReceiveBytes(),
                    headers.encoding(),
                    metrics,
                    handle::end));
    Source<R, NotUsed> responses = method.handler().apply(requests);
    return CompletableFuture.completedFuture(
        stream(method.name(), method.framing(), metrics, headers, handle, responses));
  }

  private <Q extends MessageLite, R> CompletionStage<HttpResponse> serverStream(
      RpcMethod.ManyResponses<Q, R> method,
      MethodMetrics metrics,
      CallHeaders headers,
      HttpRequest request) {
    metrics.started();
    Status refusal = context.guard().refusal(headers, method.type(), method.servedByLearner());
    if (refusal != null) {
      metrics.handled(refusal.getCode(), 0);
      return refused(request, 200, refusal);
    }
    int maxBytes = context.limits().maxReceiveBytes();
    return UnaryCollector.collect(
            request.entity(), maxBytes, headers.encoding(), context.materializer())
        .handle(
            (message, failure) -> {
              if (failure != null) {
                Status status = RpcFailure.statusOf(failure, method.name());
                metrics.handled(status.getCode(), 0);
                return GrpcResponses.trailersOnly(status);
              }
              return started(method, metrics, headers, message);
            });
  }

  private <Q extends MessageLite, R> HttpResponse started(
      RpcMethod.ManyResponses<Q, R> method,
      MethodMetrics metrics,
      CallHeaders headers,
      byte[] message) {
    Q parsed;
    try {
      parsed = parseOrRefuse(method.parser(), message);
    } catch (RpcFailure refused) {
      metrics.handled(refused.status().getCode(), 0);
      return GrpcResponses.trailersOnly(refused.status());
    }
    metrics.received(message.length);
    OpenStreams.Handle handle = new OpenStreams.Handle(headers.requireLeader());
    return stream(
        method.name(),
        ElementFraming.oneEach(method::framed),
        metrics,
        headers,
        handle,
        method.respond(parsed));
  }

  private static <Q> Q parseOrRefuse(Parser<Q> parser, byte[] message) {
    try {
      return Messages.parse(parser, message);
    } catch (InvalidProtocolBufferException e) {
      throw new RpcFailure(
          Status.INTERNAL.withDescription(
              "grpc: failed to unmarshal the received message: " + e.getMessage()));
    }
  }

  private <R> HttpResponse stream(
      MethodName name,
      ElementFraming<R> framing,
      MethodMetrics metrics,
      CallHeaders headers,
      OpenStreams.Handle handle,
      Source<R, NotUsed> responses) {
    ResponseFrames.Call call =
        new ResponseFrames.Call(
            name, metrics, headers.timeoutNanos(), handle, context.openStreams());
    return GrpcResponses.parts(responses.via(new ResponseFrames<>(call, framing)));
  }

  private CompletionStage<HttpResponse> refused(
      HttpRequest request, int httpStatus, Status status) {
    drain(request);
    return CompletableFuture.completedFuture(GrpcResponses.trailersOnly(httpStatus, status));
  }

  private void drain(HttpRequest request) {
    RequestEntity entity = request.entity();
    if (!entity.isStrict()) {
      entity.discardBytes(context.materializer());
    }
  }

  private static CallHeaders bounded(CallHeaders headers) {
    return headers.timeoutNanos() == CallHeaders.NO_TIMEOUT
            || headers.timeoutNanos() <= TIMEOUT_MAX_NANOS
        ? headers
        : new CallHeaders(
            headers.encoding(),
            CallHeaders.NO_TIMEOUT,
            headers.requireLeader(),
            headers.clientApiVersion(),
            null);
  }

  /** The parsed path, which is cached per connection; no string is built of it. */
  private static Uri.Path path(HttpRequest request) {
    return ((org.apache.pekko.http.scaladsl.model.HttpRequest) request).uri().path();
  }

  private RpcTable.@Nullable Entry find(Uri.Path path) {
    if (!path.startsWithSlash() || !path.tail().startsWithSegment()) {
      return null;
    }
    Uri.Path service = path.tail();
    if (!service.tail().startsWithSlash() || !service.tail().tail().startsWithSegment()) {
      return null;
    }
    Uri.Path method = service.tail().tail();
    return method.tail().isEmpty()
        ? table.find((String) service.head(), (String) method.head())
        : null;
  }

  /** In grpc-go's words. */
  private Status unknown(String path) {
    int slash = path.lastIndexOf('/');
    if (slash <= 0) {
      return Status.UNIMPLEMENTED.withDescription("malformed method name: \"" + path + '"');
    }
    String service = path.substring(1, slash);
    return Status.UNIMPLEMENTED.withDescription(
        table.hasService(service)
            ? "unknown method " + path.substring(slash + 1) + " for service " + service
            : "unknown service " + service);
  }
}
