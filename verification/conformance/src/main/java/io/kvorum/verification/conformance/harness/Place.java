package io.kvorum.verification.conformance.harness;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Where a server listens.
 *
 * @param entry the command that takes a program there, such as into a network namespace; empty for
 *     here
 */
public record Place(String host, int clientPort, int peerPort, List<String> entry) {
  private static final int FIRST_PORT = 10_000;
  private static final int LAST_PORT = 32_000;
  private static final int PORT_TRIES = 1000;

  /** Free ports of this machine. */
  public static Place onLoopback() {
    var ports = freePorts(2);
    return new Place("127.0.0.1", ports.get(0), ports.get(1), List.of());
  }

  public String clientAddress() {
    return host + ":" + clientPort;
  }

  public String peerUrl() {
    return "http://" + host + ":" + peerPort;
  }

  /**
   * Ports that were free a moment ago, all different. Taken from below the range from which
   * outgoing connections get theirs, so that none of those takes the place of a server that is
   * being started again.
   */
  private static List<Integer> freePorts(int count) {
    var chosen = new LinkedHashSet<Integer>();
    for (int tries = 0; chosen.size() < count; tries++) {
      if (tries > PORT_TRIES) throw new IllegalStateException("no free ports");
      int port = ThreadLocalRandom.current().nextInt(FIRST_PORT, LAST_PORT);
      if (isFree(port)) chosen.add(port);
    }
    return List.copyOf(chosen);
  }

  private static boolean isFree(int port) {
    try (var socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      return socket.isBound();
    } catch (IOException taken) {
      return false;
    }
  }
}
