package io.kvorum.server.http;

import static org.apache.pekko.http.javadsl.model.ContentTypes.APPLICATION_JSON;
import static org.apache.pekko.http.javadsl.model.ContentTypes.TEXT_PLAIN_UTF8;

import io.kvorum.server.http.HealthChecks.Page;
import io.kvorum.server.http.HealthChecks.Report;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import java.util.zip.GZIPOutputStream;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpMethods;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.RequestEntity;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.SystemMaterializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The HTTP pages by path; whatever is not known is etcd's 404. */
public final class Pages {
  private static final Logger LOG = LoggerFactory.getLogger(Pages.class);
  private static final ContentType METRICS_TEXT =
      ContentTypes.parse("text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
  private static final HttpHeader NO_SNIFF = RawHeader.create("X-Content-Type-Options", "nosniff");

  private final HealthChecks checks;
  private final Probe probe;
  private final String serverVersion;
  private final Supplier<String> metricsPage;
  private final Access access;
  private final Executor blocking;
  private final Materializer materializer;

  /**
   * @param timeout longest wait of a check's read
   * @param metricsPage may block
   */
  public Pages(
      ActorSystem<?> system,
      Probe probe,
      Duration timeout,
      String serverVersion,
      Supplier<String> metricsPage,
      Access access) {
    this.checks = new HealthChecks(probe, timeout);
    this.probe = probe;
    this.serverVersion = serverVersion;
    this.metricsPage = metricsPage;
    this.access = access;
    this.blocking = system.dispatchers().lookup(DispatcherSelector.blocking());
    this.materializer = SystemMaterializer.get(system).materializer();
  }

  public CompletionStage<HttpResponse> handle(HttpRequest request) {
    RequestEntity body = request.entity();
    if (!body.isStrict()) {
      body.discardBytes(materializer);
    }
    if (!access.hostAllowed(request)) {
      return done(
          text(
              421,
              "Host \""
                  + access.host(request)
                  + "\" is not on this server's list; start it with --host-whitelist to add it\n"));
    }
    CompletionStage<HttpResponse> answer =
        request.method().equals(HttpMethods.OPTIONS) ? done(HttpResponse.create()) : route(request);
    return answer.thenApply(response -> response.addHeaders(access.corsHeaders(request)));
  }

  private CompletionStage<HttpResponse> route(HttpRequest request) {
    String path = request.getUri().path();
    return switch (path) {
      case "/health" -> get(request, this::health);
      case "/livez" -> get(request, r -> page(r, Page.LIVEZ));
      case "/readyz" -> get(request, r -> page(r, Page.READYZ));
      case "/version" -> get(request, r -> done(version()));
      case "/metrics" -> metrics(request);
      default -> single(request, path);
    };
  }

  private CompletionStage<HttpResponse> single(HttpRequest request, String path) {
    for (Page page : Page.values()) {
      String prefix = "/" + page.label() + "/";
      if (path.startsWith(prefix) && checks.has(page, path.substring(prefix.length()))) {
        String check = path.substring(prefix.length());
        return get(request, r -> checks.single(page, check).thenApply(report -> shown(r, report)));
      }
    }
    return done(text(404, "404 page not found\n").addHeader(NO_SNIFF));
  }

  private static CompletionStage<HttpResponse> get(
      HttpRequest request,
      java.util.function.Function<HttpRequest, CompletionStage<HttpResponse>> page) {
    if (request.method().equals(HttpMethods.GET)) {
      return page.apply(request);
    }
    return done(
        text(405, "Method Not Allowed\n")
            .addHeader(RawHeader.create("Allow", "GET"))
            .addHeader(NO_SNIFF));
  }

  private CompletionStage<HttpResponse> health(HttpRequest request) {
    boolean serializable =
        request.getUri().query().get("serializable").filter("true"::equals).isPresent();
    return checks
        .health(serializable, excluded(request))
        .thenApply(
            reason -> {
              boolean healthy = reason.isEmpty();
              probe.healthAnswered(healthy);
              if (healthy) {
                return text(200, "{\"health\":\"true\",\"reason\":\"\"}");
              }
              LOG.warn("/health is false: {}", reason);
              return text(
                      503, "{\"health\":\"false\",\"reason\":\"" + jsonEscaped(reason) + "\"}\n")
                  .addHeader(NO_SNIFF);
            });
  }

  private CompletionStage<HttpResponse> page(HttpRequest request, Page page) {
    return checks.report(page, excluded(request)).thenApply(report -> shown(request, report));
  }

  private static Set<String> excluded(HttpRequest request) {
    return new HashSet<>(request.getUri().query().getAll("exclude"));
  }

  private static HttpResponse shown(HttpRequest request, Report report) {
    if (!report.healthy()) {
      return text(503, report.lines()).addHeader(NO_SNIFF);
    }
    boolean verbose = request.getUri().query().get("verbose").isPresent();
    return text(200, verbose ? report.lines() + "ok\n" : "ok\n").addHeader(NO_SNIFF);
  }

  private HttpResponse version() {
    String cluster = probe.clusterVersion();
    String json =
        "{\"etcdserver\":\""
            + serverVersion
            + "\",\"etcdcluster\":\""
            + (cluster.isEmpty() ? "not_decided" : jsonEscaped(cluster))
            + "\",\"storage\":\""
            + (cluster.isEmpty() ? "unknown" : jsonEscaped(cluster))
            + "\"}";
    return HttpResponse.create().withEntity(HttpEntities.create(APPLICATION_JSON, json));
  }

  private CompletionStage<HttpResponse> metrics(HttpRequest request) {
    return CompletableFuture.supplyAsync(
        () -> {
          byte[] page = metricsPage.get().getBytes(StandardCharsets.UTF_8);
          HttpResponse response = HttpResponse.create();
          if (takesGzip(request)) {
            page = gzipped(page);
            response = response.addHeader(RawHeader.create("Content-Encoding", "gzip"));
          }
          return response.withEntity(HttpEntities.create(METRICS_TEXT, page));
        },
        blocking);
  }

  private static boolean takesGzip(HttpRequest request) {
    for (HttpHeader header : request.getHeaders()) {
      if (header.is("accept-encoding") && header.value().contains("gzip")) {
        return true;
      }
    }
    return false;
  }

  private static byte[] gzipped(byte[] bytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length / 8);
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return out.toByteArray();
  }

  private static HttpResponse text(int status, String text) {
    return HttpResponse.create()
        .withStatus(status)
        .withEntity(HttpEntities.create(TEXT_PLAIN_UTF8, text));
  }

  private static String jsonEscaped(String text) {
    StringBuilder escaped = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        escaped.append('\\').append(c);
      } else if (c < ' ') {
        escaped.append(String.format("\\u%04x", (int) c));
      } else {
        escaped.append(c);
      }
    }
    return escaped.toString();
  }

  private static CompletionStage<HttpResponse> done(HttpResponse response) {
    return CompletableFuture.completedFuture(response);
  }
}
