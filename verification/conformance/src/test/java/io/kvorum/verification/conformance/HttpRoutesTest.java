package io.kvorum.verification.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.api.PutRequest;
import io.kvorum.verification.conformance.harness.Binaries;
import io.kvorum.verification.conformance.harness.Connection;
import io.kvorum.verification.conformance.harness.ServerProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The pages beside gRPC on the client port, over HTTP/1.1. */
class HttpRoutesTest {
  @SuppressWarnings("NullAway.Init")
  private static ServerProcess server;

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @BeforeAll
  static void start() {
    server = ServerProcess.start(Binaries.kvorum());
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/health", "/health?serializable=true", "/health?exclude=NOSPACE"})
  void healthSaysTrue(String path) {
    var page = get(path);
    assertEquals(200, page.statusCode());
    assertEquals("{\"health\":\"true\",\"reason\":\"\"}", page.body());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/livez",
        "/livez/serializable_read",
        "/readyz",
        "/readyz/data_corruption",
        "/readyz/serializable_read",
        "/readyz/linearizable_read",
        "/readyz/non_learner"
      })
  void checksSayOk(String path) {
    var page = get(path);
    assertEquals(200, page.statusCode());
    assertEquals("ok\n", page.body());
    assertTrue("text/plain; charset=utf-8".equalsIgnoreCase(contentType(page)), contentType(page));
  }

  @Test
  void readyzListsItsChecksWhenAsked() {
    var lines = get("/readyz?verbose").body().lines().toList();
    for (var check :
        List.of("data_corruption", "serializable_read", "linearizable_read", "non_learner"))
      assertTrue(lines.contains("[+]" + check + " ok"), () -> check + " in " + lines);
    assertEquals("ok", lines.getLast());
  }

  @Test
  void versionSpeaksAsEtcd() {
    var page = get("/version");
    assertEquals(200, page.statusCode());
    assertEquals("application/json", contentType(page));
    assertEquals(
        "{\"etcdserver\":\"3.7.1\",\"etcdcluster\":\"3.7.0\",\"storage\":\"3.7.0\"}", page.body());
  }

  @Test
  void metricsAreInPrometheusForm() {
    var page = get("/metrics");
    assertEquals(200, page.statusCode());
    assertEquals(
        "text/plain; charset=utf-8; escaping=underscores; version=0.0.4", contentType(page));
    var lines = page.body().lines().toList();
    assertTrue(lines.contains("etcd_server_has_leader 1"), page::body);
    for (var name :
        List.of(
            "etcd_server_proposals_committed_total",
            "etcd_server_proposals_applied_total",
            "etcd_disk_wal_fsync_duration_seconds_count",
            "etcd_mvcc_put_total",
            "grpc_server_handled_total",
            "grpc_server_started_total"))
      assertTrue(
          lines.stream().anyMatch(line -> line.startsWith(name)), () -> name + " is missing");
  }

  @Test
  void metricsCountWhatIsDone() {
    double before = metric("etcd_mvcc_put_total");
    try (var connection = Connection.to(server.address())) {
      var key = ByteString.copyFromUtf8("counted");
      var put = PutRequest.newBuilder().setKey(key).build();
      for (int i = 0; i < 3; i++) {
        var unused = connection.kv(Duration.ofSeconds(10)).put(put);
      }
    }
    assertEquals(before + 3, metric("etcd_mvcc_put_total"));
  }

  private double metric(String name) {
    return get("/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(' ') + 1)))
        .findFirst()
        .orElseThrow();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/v2/keys/a", "/members", "/livez/none", "/readyz/none", "/nothing"})
  void otherPagesAreNotFound(String path) {
    var page = get(path);
    assertEquals(404, page.statusCode());
    assertEquals("404 page not found\n", page.body());
  }

  @ParameterizedTest
  @ValueSource(strings = {"/health", "/livez", "/readyz", "/version"})
  void otherMethodsAreNotAllowed(String path) {
    var request =
        HttpRequest.newBuilder(uri(path)).POST(HttpRequest.BodyPublishers.ofString("x")).build();
    assertEquals(405, send(request).statusCode());
  }

  private HttpResponse<String> get(String path) {
    return send(HttpRequest.newBuilder(uri(path)).GET().build());
  }

  private HttpResponse<String> send(HttpRequest request) {
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new AssertionError(request + " failed", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static URI uri(String path) {
    return URI.create(server.clientUrl() + path);
  }

  /** In one form: parameters in alphabetical order, as their order and letter case mean nothing. */
  private static String contentType(HttpResponse<?> page) {
    var parts = page.headers().firstValue("Content-Type").orElse("").toLowerCase(Locale.ROOT);
    var type = parts.split("; *", -1);
    Arrays.sort(type, 1, type.length);
    return String.join("; ", type);
  }
}
