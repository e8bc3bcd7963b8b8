package io.kvorum.config;

import java.util.Locale;

/**
 * An address in etcd's form: {@code http://host:port}, {@code https://host:port}, {@code
 * unix://name} or {@code unixs://name}, without a path.
 *
 * @param scheme in lower case
 * @param host name or IP address, an IPv6 address without its brackets; for {@code unix} the rest
 *     of the URL
 * @param port 0 for {@code unix}, and where a listener may choose one
 * @param text the whole URL as it is published to others and hashed into member ids
 */
public record EndpointUrl(String scheme, String host, int port, String text)
    implements Comparable<EndpointUrl> {

  private static final int MAX_PORT = 65_535;

  static Parsed<EndpointUrl> parse(String text) {
    int colon = text.indexOf("://");
    if (colon < 0) {
      return Parsed.problem("is not a URL; write it as http://host:port");
    }
    String scheme = text.substring(0, colon).toLowerCase(Locale.ROOT);
    String rest = text.substring(colon + 3);
    return switch (scheme) {
      case "http", "https" -> parseAddress(scheme, rest);
      case "unix", "unixs" -> Parsed.value(new EndpointUrl(scheme, rest, 0, scheme + "://" + rest));
      default -> Parsed.problem("has a scheme other than http, https, unix and unixs");
    };
  }

  private static Parsed<EndpointUrl> parseAddress(String scheme, String rest) {
    if (rest.chars().anyMatch(c -> c <= ' ' || c == '?' || c == '#' || c == '@')) {
      return Parsed.problem("must be just http://host:port");
    }
    if (rest.indexOf('/') >= 0) {
      return Parsed.problem("must not have a path, not even a slash at its end");
    }
    int colon = rest.lastIndexOf(':');
    boolean bracketed = rest.startsWith("[");
    int hostEnd = bracketed ? rest.indexOf(']') + 1 : colon;
    if (colon < 0 || colon != hostEnd) {
      return Parsed.problem("has no port; write it as http://host:port");
    }
    String host = bracketed ? rest.substring(1, colon - 1) : rest.substring(0, colon);
    if (!bracketed && host.indexOf(':') >= 0) {
      return Parsed.problem("has an IPv6 address without brackets; write it as http://[::1]:2379");
    }
    String portText = rest.substring(colon + 1);
    boolean digits = portText.length() <= 5 && portText.chars().allMatch(c -> c >= '0' && c <= '9');
    if (portText.isEmpty() || !digits || Integer.parseInt(portText) > MAX_PORT) {
      return Parsed.problem("has a port that is not between 1 and " + MAX_PORT);
    }
    return Parsed.value(
        new EndpointUrl(scheme, host, Integer.parseInt(portText), scheme + "://" + rest));
  }

  public boolean isUnixSocket() {
    return scheme.startsWith("unix");
  }

  public boolean isTls() {
    return scheme.equals("https") || scheme.equals("unixs");
  }

  /** {@code host:port}, with brackets around an IPv6 address. */
  public String address() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }

  /** By text, which is how etcd orders URLs before it hashes or prints them. */
  @Override
  public int compareTo(EndpointUrl other) {
    return text.compareTo(other.text);
  }

  @Override
  public String toString() {
    return text;
  }
}
