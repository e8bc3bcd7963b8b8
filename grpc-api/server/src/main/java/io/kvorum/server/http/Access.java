package io.kvorum.server.http;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.jspecify.annotations.Nullable;

/**
 * Who may read the pages from a browser (CORS), and by which host names the server may be called.
 */
public final class Access {
  private static final String ANY = "*";
  private static final HttpHeader ALLOW_METHODS =
      RawHeader.create("Access-Control-Allow-Methods", "POST, GET, OPTIONS, PUT, DELETE");
  private static final HttpHeader ALLOW_HEADERS =
      RawHeader.create("Access-Control-Allow-Headers", "accept, content-type, authorization");

  private final boolean anyOrigin;
  private final Set<String> origins;
  private final boolean anyHost;
  private final Set<String> hosts;

  /** Sets that are empty or hold {@code *} let anybody in. */
  public Access(Set<String> origins, Set<String> hosts) {
    this.origins = Set.copyOf(origins);
    this.anyOrigin = origins.isEmpty() || origins.contains(ANY);
    this.hosts = Set.copyOf(hosts);
    this.anyHost = hosts.isEmpty() || hosts.contains(ANY);
  }

  /** The CORS headers of an answer to this request; none where its origin is not allowed. */
  List<HttpHeader> corsHeaders(HttpRequest request) {
    String origin = anyOrigin ? ANY : header(request, "origin");
    if (origin == null || !(anyOrigin || origins.contains(origin))) {
      return List.of();
    }
    return List.of(
        ALLOW_METHODS, RawHeader.create("Access-Control-Allow-Origin", origin), ALLOW_HEADERS);
  }

  /** Against DNS rebinding: a page of another site cannot reach the server under its own name. */
  boolean hostAllowed(HttpRequest request) {
    return anyHost || hosts.contains(host(request));
  }

  String host(HttpRequest request) {
    return request.getUri().host().address().toLowerCase(Locale.ROOT);
  }

  private static @Nullable String header(HttpRequest request, String lowercaseName) {
    for (HttpHeader header : request.getHeaders()) {
      if (header.is(lowercaseName)) {
        return header.value();
      }
    }
    return null;
  }
}
