package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.kvorum.actors.telemetry.Telemetry;
import io.kvorum.server.grpc.MethodMetrics;
import io.kvorum.server.grpc.MethodName;
import io.kvorum.server.grpc.RpcType;
import org.junit.jupiter.api.Test;

/** The names and labels of etcd's metrics page (grpc_server_*, etcd_server_*). */
class TelemetryRpcMetricsTest {
  private static final String RANGE =
      "grpc_method=\"Range\",grpc_service=\"etcdserverpb.KV\",grpc_type=\"unary\"}";

  private final Telemetry telemetry = Telemetry.start();
  private final TelemetryRpcMetrics metrics = new TelemetryRpcMetrics(telemetry);

  @Test
  void aCallIsCountedUnderEtcdsNames() {
    MethodMetrics range = metrics.method(new MethodName("etcdserverpb.KV", "Range"), RpcType.UNARY);
    range.started();
    range.received(10);
    range.sent(1, 20);
    range.handled(Status.Code.OK, 1);
    metrics.clientRequest(RpcType.UNARY, "3.7.1");
    metrics.clientRequest(RpcType.BIDI_STREAM, "unknown");
    metrics.rangeExecuted(true, 1_000_000);
    metrics.readAnswered(RpcMetrics.ReadKind.RANGE, false, 1_000_000);
    metrics.healthAnswered(true);
    metrics.checkRan("readyz", "non_learner", true);
    String page = telemetry.scrape();
    assertLine(page, "grpc_server_started_total{" + RANGE + " 1");
    assertLine(page, "grpc_server_msg_received_total{" + RANGE + " 1");
    assertLine(page, "grpc_server_msg_sent_total{" + RANGE + " 1");
    assertLine(page, "grpc_server_handled_total{grpc_code=\"OK\"," + RANGE + " 1");
    // All seventeen codes are there from the start.
    assertLine(page, "grpc_server_handled_total{grpc_code=\"DeadlineExceeded\"," + RANGE + " 0");
    assertLine(page, "grpc_server_handled_total{grpc_code=\"Canceled\"," + RANGE + " 0");
    assertEquals(17, page.lines().filter(l -> l.startsWith("grpc_server_handled_total{")).count());
    assertLine(page, "etcd_network_client_grpc_received_bytes_total 10");
    assertLine(page, "etcd_network_client_grpc_sent_bytes_total 20");
    assertLine(
        page, "etcd_server_client_requests_total{client_api_version=\"3.7.1\",type=\"unary\"} 1");
    assertLine(
        page,
        "etcd_server_client_requests_total{client_api_version=\"unknown\",type=\"stream\"} 1");
    assertLine(page, "etcd_server_range_duration_seconds_count{success=\"true\"} 1");
    assertLine(
        page, "etcd_server_request_duration_seconds_count{success=\"false\",type=\"Range\"} 1");
    assertLine(page, "etcd_server_health_success 1");
    assertLine(page, "etcd_server_health_failures 0");
    assertLine(page, "etcd_server_healthcheck{name=\"non_learner\",type=\"readyz\"} 1");
    assertLine(
        page,
        "etcd_server_healthchecks_total{name=\"non_learner\",status=\"success\",type=\"readyz\"} 1");
  }

  @Test
  void versionsOfClientsStayFew() {
    for (int i = 0; i < 1_000; i++) {
      metrics.clientRequest(RpcType.UNARY, "made up " + i);
    }
    long series =
        telemetry
            .scrape()
            .lines()
            .filter(l -> l.startsWith("etcd_server_client_requests_total{"))
            .count();
    assertEquals(65, series);
  }

  private static void assertLine(String page, String start) {
    assertTrue(
        page.lines().anyMatch(line -> line.equals(start) || line.equals(start + ".0")),
        () -> "no line " + start + " in\n" + page);
  }
}
