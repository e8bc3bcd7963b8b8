package io.kvorum.server;

import io.grpc.Status;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.health.HealthCheckRequest;
import io.kvorum.protocol.health.HealthCheckResponse;
import io.kvorum.protocol.health.HealthCheckResponse.ServingStatus;
import io.kvorum.protocol.health.HealthListRequest;
import io.kvorum.protocol.health.HealthListResponse;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcFailure;
import io.kvorum.server.grpc.RpcMethod;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/**
 * {@code grpc.health.v1.Health} for the whole server, service {@code ""}. As in etcd it says that
 * the server takes calls, not that the cluster has a leader; that is for {@code /readyz}.
 */
final class HealthService {
  private static final String SERVICE = "grpc.health.v1.Health";
  private static final String WHOLE_SERVER = "";

  List<RpcMethod> methods() {
    return List.of(
        new RpcMethod.Unary<>(
            new MethodName(SERVICE, "Check"),
            HealthCheckRequest.parser(),
            check -> false,
            HealthService::check),
        new RpcMethod.Unary<>(
            new MethodName(SERVICE, "List"),
            HealthListRequest.parser(),
            list -> false,
            HealthService::list),
        new RpcMethod.ServerStream<>(
            new MethodName(SERVICE, "Watch"),
            HealthCheckRequest.parser(),
            false,
            HealthService::watch));
  }

  private static CompletionStage<Outcome<HealthCheckResponse>> check(HealthCheckRequest request) {
    if (!request.getService().equals(WHOLE_SERVER)) {
      throw new RpcFailure(Status.NOT_FOUND.withDescription("unknown service"));
    }
    return CompletableFuture.completedFuture(Outcome.ok(answer(ServingStatus.SERVING)));
  }

  private static CompletionStage<Outcome<HealthListResponse>> list(HealthListRequest request) {
    return CompletableFuture.completedFuture(
        Outcome.ok(
            HealthListResponse.newBuilder()
                .putStatuses(WHOLE_SERVER, answer(ServingStatus.SERVING))
                .build()));
  }

  /** The first answer, and no other while the server lives: its end ends the stream. */
  private static Source<HealthCheckResponse, NotUsed> watch(HealthCheckRequest request) {
    ServingStatus status =
        request.getService().equals(WHOLE_SERVER)
            ? ServingStatus.SERVING
            : ServingStatus.SERVICE_UNKNOWN;
    return Source.single(answer(status)).concat(Source.never());
  }

  private static HealthCheckResponse answer(ServingStatus status) {
    return HealthCheckResponse.newBuilder().setStatus(status).build();
  }
}
