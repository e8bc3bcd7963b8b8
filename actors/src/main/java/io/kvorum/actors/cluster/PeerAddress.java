package io.kvorum.actors.cluster;

import java.net.URI;

/** Where a member listens for its peers. */
public record PeerAddress(String host, int port) {

  /**
   * From a peer URL, such as {@code http://10.0.0.1:2380}.
   *
   * @throws IllegalArgumentException if it has no host or no port
   */
  public static PeerAddress of(String peerUrl) {
    URI uri = URI.create(peerUrl);
    String host = uri.getHost();
    if (host == null || uri.getPort() < 0) {
      throw new IllegalArgumentException("peer URL " + peerUrl + " has no host or no port");
    }
    return new PeerAddress(host, uri.getPort());
  }

  @Override
  public String toString() {
    return host + ":" + port;
  }
}
