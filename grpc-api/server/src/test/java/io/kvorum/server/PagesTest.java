package io.kvorum.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvorum.actors.raft.membership.Standing;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.AlarmMember;
import io.kvorum.protocol.etcdserverpb.AlarmType;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The pages over HTTP/1.1. */
class PagesTest {
  private static final String TEXT = "text/plain; charset=utf-8";

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private ServerFixture fixture = new ServerFixture();

  @AfterEach
  void close() {
    client.close();
    fixture.close();
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + fixture.port() + path));
  }

  private HttpResponse<String> send(HttpRequest.Builder request) {
    try {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private HttpResponse<String> get(String path) {
    return send(request(path));
  }

  private static void assertPage(
      HttpResponse<String> page, int status, String contentType, String body) {
    assertEquals(body, page.body());
    assertEquals(status, page.statusCode());
    assertEquals(
        parameters(contentType), parameters(page.headers().firstValue("content-type").orElse("")));
  }

  /** The order of a content type's parameters, their blanks and case mean nothing. */
  private static Set<String> parameters(String contentType) {
    return Set.of(contentType.toLowerCase(Locale.ROOT).replace(" ", "").split(";", -1));
  }

  @Test
  void healthy() {
    assertPage(get("/health"), 200, TEXT, "{\"health\":\"true\",\"reason\":\"\"}");
    assertEquals(1, fixture.group.barriers.get());
    assertPage(
        get("/health?serializable=true"), 200, TEXT, "{\"health\":\"true\",\"reason\":\"\"}");
    assertEquals(1, fixture.group.barriers.get());
    assertPage(get("/health?exclude=NOSPACE"), 200, TEXT, "{\"health\":\"true\",\"reason\":\"\"}");
    assertEquals(3, fixture.metrics.count("health true"));
  }

  @Test
  void alarmsComeFirstAndCanBeExcluded() {
    String healthy = "{\"health\":\"true\",\"reason\":\"\"}";
    fixture.group.alarms.add(AlarmMember.newBuilder().setAlarm(AlarmType.NOSPACE).build());
    fixture.group.leader = MemberId.NONE;
    assertPage(get("/health"), 503, TEXT, "{\"health\":\"false\",\"reason\":\"ALARM NOSPACE\"}\n");
    fixture.group.leader = new MemberId(FakeGroup.MEMBER_ID);
    assertPage(get("/health?exclude=NOSPACE"), 200, TEXT, healthy);
    assertPage(get("/readyz"), 200, TEXT, "ok\n");
    fixture.group.alarms.add(AlarmMember.newBuilder().setAlarm(AlarmType.CORRUPT).build());
    assertPage(
        get("/health?exclude=NOSPACE"),
        503,
        TEXT,
        "{\"health\":\"false\",\"reason\":\"ALARM CORRUPT\"}\n");
    assertPage(get("/health?exclude=NOSPACE&exclude=CORRUPT"), 200, TEXT, healthy);
    assertPage(
        get("/readyz/data_corruption"),
        503,
        TEXT,
        "[-]data_corruption failed: alarm activated: CORRUPT\n");
    assertPage(get("/livez"), 200, TEXT, "ok\n");
    fixture.group.alarms.add(AlarmMember.newBuilder().setAlarmValue(9).build());
    assertPage(
        get("/health?exclude=NOSPACE&exclude=CORRUPT"),
        503,
        TEXT,
        "{\"health\":\"false\",\"reason\":\"ALARM UNKNOWN\"}\n");
  }

  @Test
  void withoutALeader() {
    fixture.group.leader = MemberId.NONE;
    HttpResponse<String> page = get("/health");
    assertPage(page, 503, TEXT, "{\"health\":\"false\",\"reason\":\"RAFT NO LEADER\"}\n");
    assertEquals("nosniff", page.headers().firstValue("x-content-type-options").orElse(""));
    assertPage(
        get("/health?serializable=true"), 200, TEXT, "{\"health\":\"true\",\"reason\":\"\"}");
    assertEquals(1, fixture.metrics.count("health false"));
  }

  @Test
  void aReadThatFailsOrHangs() {
    fixture.group.barrier =
        () -> CompletableFuture.completedFuture(Outcome.refused(EtcdError.LEADER_CHANGED));
    assertPage(
        get("/health"),
        503,
        TEXT,
        "{\"health\":\"false\",\"reason\":\"RANGE ERROR:etcdserver: leader changed\"}\n");
    fixture.group.barrier = CompletableFuture::new;
    assertPage(
        get("/readyz"),
        503,
        TEXT,
        """
        [+]data_corruption ok
        [+]serializable_read ok
        [-]linearizable_read failed: etcdserver: request timed out
        [+]non_learner ok
        """);
    assertEquals(1, fixture.metrics.count("readyz linearizable_read false"));
    assertPage(get("/readyz?exclude=linearizable_read"), 200, TEXT, "ok\n");
    assertPage(get("/livez"), 200, TEXT, "ok\n");
  }

  @Test
  void livezAndReadyz() {
    assertPage(get("/livez"), 200, TEXT, "ok\n");
    assertPage(get("/livez?verbose"), 200, TEXT, "[+]serializable_read ok\nok\n");
    assertPage(
        get("/livez/serializable_read?verbose=1"), 200, TEXT, "[+]serializable_read ok\nok\n");
    assertPage(
        get("/readyz?verbose&exclude=linearizable_read&exclude=non_learner&exclude=nonsense"),
        200,
        TEXT,
        "[+]data_corruption ok\n[+]serializable_read ok\nok\n");
    for (String check :
        Set.of("data_corruption", "serializable_read", "linearizable_read", "non_learner")) {
      assertPage(get("/readyz/" + check), 200, TEXT, "ok\n");
    }
    fixture.group.standing = Standing.LEARNER;
    assertPage(
        get("/readyz/non_learner"),
        503,
        TEXT,
        "[-]non_learner failed: not supported for learner\n");
  }

  @Test
  void version() {
    assertPage(
        get("/version"),
        200,
        "application/json",
        "{\"etcdserver\":\"3.7.1\",\"etcdcluster\":\"3.7.0\",\"storage\":\"3.7.0\"}");
    fixture.group.clusterVersion = "";
    assertPage(
        get("/version"),
        200,
        "application/json",
        "{\"etcdserver\":\"3.7.1\",\"etcdcluster\":\"not_decided\",\"storage\":\"unknown\"}");
  }

  @Test
  void metrics() throws IOException, InterruptedException {
    String type = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    assertPage(get("/metrics"), 200, type, "# TYPE one counter\none 1\n");
    HttpResponse<byte[]> zipped =
        client.send(
            request("/metrics").header("Accept-Encoding", "gzip").build(),
            HttpResponse.BodyHandlers.ofByteArray());
    assertEquals("gzip", zipped.headers().firstValue("content-encoding").orElse(""));
    assertArrayEquals(
        "# TYPE one counter\none 1\n".getBytes(StandardCharsets.UTF_8),
        new GZIPInputStream(new ByteArrayInputStream(zipped.body())).readAllBytes());
  }

  @Test
  void whatIsNotThere() {
    for (String path :
        new String[] {
          "/", "/v2/keys", "/members", "/livez/other", "/readyz/", "/config/local/log"
        }) {
      assertPage(get(path), 404, TEXT, "404 page not found\n");
    }
    assertPage(
        send(
            request("/etcdserverpb.KV/Range")
                .header("Content-Type", "application/grpc")
                .POST(HttpRequest.BodyPublishers.ofByteArray(new byte[5]))),
        404,
        TEXT,
        "404 page not found\n");
  }

  @Test
  void otherMethods() {
    for (String path :
        new String[] {"/health", "/livez", "/readyz", "/readyz/non_learner", "/version"}) {
      HttpResponse<String> page =
          send(request(path).POST(HttpRequest.BodyPublishers.ofString("{}")));
      assertPage(page, 405, TEXT, "Method Not Allowed\n");
      assertEquals("GET", page.headers().firstValue("allow").orElse(""));
      assertEquals(
          405,
          send(request(path).method("HEAD", HttpRequest.BodyPublishers.noBody())).statusCode());
    }
    assertEquals(
        200, send(request("/metrics").POST(HttpRequest.BodyPublishers.noBody())).statusCode());
  }

  @Test
  void corsForAnybody() {
    HttpResponse<String> page = get("/health");
    assertEquals("*", page.headers().firstValue("access-control-allow-origin").orElse(""));
    assertEquals(
        "POST, GET, OPTIONS, PUT, DELETE",
        page.headers().firstValue("access-control-allow-methods").orElse(""));
    assertEquals(
        "accept, content-type, authorization",
        page.headers().firstValue("access-control-allow-headers").orElse(""));
    HttpResponse<String> options =
        send(request("/nowhere").method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
    assertEquals(200, options.statusCode());
    assertEquals("", options.body());
  }

  @Test
  void corsForSome() {
    restart(Set.of("http://good.example:80"), Set.of("*"));
    HttpResponse<String> good =
        send(request("/version").header("Origin", "http://good.example:80"));
    assertEquals(
        "http://good.example:80",
        good.headers().firstValue("access-control-allow-origin").orElse(""));
    HttpResponse<String> bad = send(request("/version").header("Origin", "http://bad.example:80"));
    assertTrue(bad.headers().firstValue("access-control-allow-origin").isEmpty());
    assertEquals(200, bad.statusCode());
  }

  @Test
  void hostsOnAList() {
    restart(Set.of("*"), Set.of("localhost"));
    HttpResponse<String> refused = get("/version");
    assertEquals(421, refused.statusCode());
    assertTrue(refused.body().contains("--host-whitelist"), refused.body());
    HttpResponse<String> allowed =
        send(HttpRequest.newBuilder(URI.create("http://localhost:" + fixture.port() + "/version")));
    assertEquals(200, allowed.statusCode());
  }

  private void restart(Set<String> origins, Set<String> hosts) {
    fixture.close();
    fixture =
        new ServerFixture(
            o ->
                new GrpcServerOptions(
                    o.maxRequestBytes(),
                    o.maxTxnOps(),
                    o.maxConcurrentStreams(),
                    o.keepaliveInterval(),
                    o.keepaliveTimeout(),
                    o.electionTimeout(),
                    o.requestTimeout(),
                    o.warnUnaryDuration(),
                    o.quotaBytes(),
                    origins,
                    hosts));
  }
}
