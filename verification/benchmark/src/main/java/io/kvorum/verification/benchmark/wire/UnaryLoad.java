package io.kvorum.verification.benchmark.wire;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.channels.Selector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;

/**
 * Clients in a closed loop on one thread. Connections stay open between runs, so that a measured
 * run finds a server that has warmed up on them.
 */
public final class UnaryLoad implements AutoCloseable {
  private static final Duration DRAIN_LIMIT = Duration.ofSeconds(30);
  private static final long LONGEST_NANOS = Duration.ofMinutes(1).toNanos();
  private static final int SELECT_MILLIS = 100;

  private final Selector selector;
  private final List<UnaryConnection> connections = new ArrayList<>();
  private Histogram latencyNanos = new Histogram(LONGEST_NANOS, 3);
  private Map<String, Long> failures = new TreeMap<>();
  private long remaining;
  private long deadlineNanos;

  /**
   * What one run did.
   *
   * @param latencyNanos of the answers that were given, one value each
   * @param failures calls that were not answered with status 0, counted by status and text
   */
  public record Result(Duration elapsed, Histogram latencyNanos, Map<String, Long> failures) {
    public long answers() {
      return latencyNanos.getTotalCount();
    }

    public double answersPerSecond() {
      return answers() * 1e9 / elapsed.toNanos();
    }
  }

  /** All connections go to one server. */
  public UnaryLoad(
      InetSocketAddress server,
      String method,
      int connectionCount,
      int clients,
      Messages messages) {
    this(List.of(server), method, connectionCount, clients, messages);
  }

  /**
   * Connects at once.
   *
   * @param servers take the connections by turns
   * @param method full name such as {@code etcdserverpb.KV/Put}
   */
  public UnaryLoad(
      List<InetSocketAddress> servers,
      String method,
      int connectionCount,
      int clients,
      Messages messages) {
    selector = open();
    try {
      for (int i = 0; i < connectionCount; i++) {
        int share = clients / connectionCount + (i < clients % connectionCount ? 1 : 0);
        var server = servers.get(i % servers.size());
        connections.add(
            new UnaryConnection(selector, server, "/" + method, share, messages, new Ends()));
      }
    } catch (IOException e) {
      close(); // who waits for a server to come up fails here again and again
      throw new UncheckedIOException(e);
    }
  }

  /** Sends for this long, and waits for the last answers. */
  public Result run(Duration length) {
    return run(Long.MAX_VALUE, length);
  }

  /** Sends this many requests, and waits for the last answers. */
  public Result run(long requests) {
    return run(requests, Duration.ofDays(1));
  }

  /** Sends until either is reached, and waits for the last answers. */
  public Result run(long requests, Duration length) {
    latencyNanos = new Histogram(LONGEST_NANOS, 3);
    failures = new TreeMap<>();
    remaining = requests;
    long began = System.nanoTime();
    deadlineNanos = began + length.toNanos();
    try {
      for (var connection : connections) connection.start();
      while (inFlight() > 0) {
        selector.select(SELECT_MILLIS);
        for (var key : selector.selectedKeys()) ((UnaryConnection) key.attachment()).ready();
        selector.selectedKeys().clear();
        if (System.nanoTime() - deadlineNanos > DRAIN_LIMIT.toNanos())
          throw new IllegalStateException(inFlight() + " requests stay without an answer");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Result(Duration.ofNanos(System.nanoTime() - began), latencyNanos, failures);
  }

  private static Selector open() {
    try {
      return Selector.open();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private int inFlight() {
    int sum = 0;
    for (var connection : connections) sum += connection.inFlight();
    return sum;
  }

  private final class Ends implements UnaryConnection.Listener {
    @Override
    public void answered(long startedNanos, boolean succeeded, String status) {
      long nanos = Math.min(System.nanoTime() - startedNanos, LONGEST_NANOS);
      if (succeeded) latencyNanos.recordValue(nanos);
      else failures.merge(status, 1L, Long::sum);
    }

    @Override
    public boolean maySend() {
      if (remaining <= 0 || System.nanoTime() - deadlineNanos > 0) return false;
      remaining--;
      return true;
    }
  }

  @Override
  public void close() {
    try {
      for (var connection : connections) connection.close();
      selector.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
