package io.kvorum.server;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Peer URLs as clients name them for a new member (etcd's client/pkg/types/urls.go). */
final class PeerUrls {
  private static final Set<String> WITH_ADDRESS = Set.of("http", "https");
  private static final Set<String> WITH_NAME = Set.of("unix", "unixs");

  private PeerUrls() {}

  /**
   * In order of their text, without blanks around; empty if there are none or one is no such URL.
   */
  static Optional<List<String>> parse(List<String> texts) {
    List<String> urls = new ArrayList<>();
    for (String text : texts) {
      String url = parse(text.strip());
      if (url == null) {
        return Optional.empty();
      }
      urls.add(url);
    }
    urls.sort(null);
    return urls.isEmpty() ? Optional.empty() : Optional.of(List.copyOf(urls));
  }

  private static @Nullable String parse(String text) {
    int colon = text.indexOf("://");
    if (colon < 0) {
      return null;
    }
    String scheme = text.substring(0, colon).toLowerCase(Locale.ROOT);
    String url = scheme + text.substring(colon);
    if (WITH_NAME.contains(scheme)) {
      return url;
    }
    return WITH_ADDRESS.contains(scheme) && isAddress(url) ? url : null;
  }

  private static boolean isAddress(String url) {
    try {
      URI uri = new URI(url);
      String authority = uri.getRawAuthority();
      return authority != null
          && authority.indexOf('@') < 0
          && authority.lastIndexOf(':') > authority.lastIndexOf(']')
          && uri.getRawPath().isEmpty();
    } catch (URISyntaxException e) {
      return false;
    }
  }
}
