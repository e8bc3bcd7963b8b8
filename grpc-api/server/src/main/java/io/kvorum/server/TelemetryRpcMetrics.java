package io.kvorum.server;

import io.grpc.Status;
import io.kvorum.actors.telemetry.Buckets;
import io.kvorum.actors.telemetry.Counter;
import io.kvorum.actors.telemetry.Histogram;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.server.grpc.MethodMetrics;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcType;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** {@link RpcMetrics} under etcd's names; every instrument of a method exists from the start. */
public final class TelemetryRpcMetrics implements RpcMetrics {
  /** Versions of clients told apart; further ones are counted together, so that labels stay few. */
  private static final int CLIENT_VERSIONS_MAX = 64;

  private static final String FURTHER_VERSIONS = "other";

  private final Telemetry telemetry;
  private final Counter receivedBytes;
  private final Counter sentBytes;
  private final Histogram rangeOk;
  private final Histogram rangeFailed;
  private final Map<ReadKind, Histogram> readOk = new EnumMap<>(ReadKind.class);
  private final Map<ReadKind, Histogram> readFailed = new EnumMap<>(ReadKind.class);
  private final Counter healthy;
  private final Counter unhealthy;
  private final Map<String, Counter> unaryByVersion = new ConcurrentHashMap<>();
  private final Map<String, Counter> streamsByVersion = new ConcurrentHashMap<>();

  public TelemetryRpcMetrics(Telemetry telemetry) {
    this.telemetry = telemetry;
    this.receivedBytes =
        telemetry.counter("etcd_network_client_grpc_received_bytes_total", Map.of());
    this.sentBytes = telemetry.counter("etcd_network_client_grpc_sent_bytes_total", Map.of());
    this.rangeOk = rangeSeconds(true);
    this.rangeFailed = rangeSeconds(false);
    for (ReadKind kind : ReadKind.values()) {
      readOk.put(kind, readSeconds(kind, true));
      readFailed.put(kind, readSeconds(kind, false));
    }
    this.healthy = telemetry.counter("etcd_server_health_success", Map.of());
    this.unhealthy = telemetry.counter("etcd_server_health_failures", Map.of());
  }

  private Histogram rangeSeconds(boolean success) {
    return telemetry.histogram(
        "etcd_server_range_duration_seconds",
        Map.of("success", Boolean.toString(success)),
        Buckets.FINE_SECONDS);
  }

  private Histogram readSeconds(ReadKind kind, boolean success) {
    return telemetry.seconds(
        "etcd_server_request_duration_seconds",
        Map.of("type", kind.label(), "success", Boolean.toString(success)));
  }

  @Override
  public MethodMetrics method(MethodName name, RpcType type) {
    return new Method(name, type);
  }

  @Override
  public void clientRequest(RpcType type, String clientApiVersion) {
    boolean unary = type == RpcType.UNARY;
    Map<String, Counter> counters = unary ? unaryByVersion : streamsByVersion;
    Counter known = counters.get(clientApiVersion);
    if (known == null) {
      String version = counters.size() < CLIENT_VERSIONS_MAX ? clientApiVersion : FURTHER_VERSIONS;
      known =
          counters.computeIfAbsent(
              version,
              v ->
                  telemetry.counter(
                      "etcd_server_client_requests_total",
                      Map.of("type", unary ? "unary" : "stream", "client_api_version", v)));
    }
    known.increment();
  }

  @Override
  public void rangeExecuted(boolean success, long elapsedNanos) {
    (success ? rangeOk : rangeFailed).recordNanos(elapsedNanos);
  }

  @Override
  public void readAnswered(ReadKind kind, boolean success, long elapsedNanos) {
    Histogram histogram = (success ? readOk : readFailed).get(kind);
    if (histogram != null) {
      histogram.recordNanos(elapsedNanos);
    }
  }

  @Override
  public void healthAnswered(boolean isHealthy) {
    (isHealthy ? healthy : unhealthy).increment();
  }

  @Override
  public void checkRan(String page, String check, boolean success) {
    telemetry
        .gauge("etcd_server_healthcheck", Map.of("type", page, "name", check))
        .set(success ? 1 : 0);
    telemetry
        .counter(
            "etcd_server_healthchecks_total",
            Map.of("type", page, "name", check, "status", success ? "success" : "error"))
        .increment();
  }

  private final class Method implements MethodMetrics {
    private final Counter started;
    private final Counter messagesReceived;
    private final Counter messagesSent;
    private final Counter[] handled = new Counter[Status.Code.values().length];

    Method(MethodName name, RpcType type) {
      Map<String, String> labels =
          Map.of(
              "grpc_service", name.service(),
              "grpc_method", name.method(),
              "grpc_type", type.label());
      this.started = telemetry.counter("grpc_server_started_total", labels);
      this.messagesReceived = telemetry.counter("grpc_server_msg_received_total", labels);
      this.messagesSent = telemetry.counter("grpc_server_msg_sent_total", labels);
      for (Status.Code code : Status.Code.values()) {
        Map<String, String> withCode = new java.util.HashMap<>(labels);
        withCode.put("grpc_code", goName(code));
        handled[code.value()] = telemetry.counter("grpc_server_handled_total", withCode);
      }
    }

    @Override
    public void started() {
      started.increment();
    }

    @Override
    public void received(int bytes) {
      messagesReceived.increment();
      receivedBytes.add(bytes);
    }

    @Override
    public void sent(int messages, int bytes) {
      messagesSent.add(messages);
      sentBytes.add(bytes);
    }

    @Override
    public void handled(Status.Code code, long elapsedNanos) {
      handled[code.value()].increment();
    }
  }

  /** {@code DEADLINE_EXCEEDED} as {@code DeadlineExceeded}; Go writes Canceled with one l. */
  static String goName(Status.Code code) {
    return switch (code) {
      case OK -> "OK";
      case CANCELLED -> "Canceled";
      default -> {
        StringBuilder name = new StringBuilder();
        for (String word : code.name().split("_", -1)) {
          name.append(word.charAt(0)).append(word.substring(1).toLowerCase(Locale.ROOT));
        }
        yield name.toString();
      }
    };
  }
}
