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
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.HdrHistogram.Histogram;

/**
 * Clients on one thread: in a closed loop, or at a fixed rate, in which case the time of an answer
 * counts from when its request was due, whether a client was free then or not. Connections stay
 * open between runs, so that a measured run finds a server that has warmed up on them.
 */
public final class UnaryLoad implements AutoCloseable {
  private static final Duration DRAIN_LIMIT = Duration.ofSeconds(30);
  private static final long LONGEST_NANOS = Duration.ofMinutes(1).toNanos();
  private static final int SELECT_MILLIS = 100;

  /** Below a millisecond a selector waits for none or for ever. */
  private static final long SHORTEST_SELECT_NANOS = Duration.ofMillis(1).toNanos();

  private static final long LONGEST_NAP_NANOS = 100_000;

  private final Selector selector;
  private final List<UnaryConnection> connections = new ArrayList<>();
  private Histogram latencyNanos = new Histogram(LONGEST_NANOS, 3);
  private Map<String, Long> failures = new TreeMap<>();
  private long remaining;
  private long deadlineNanos;

  /** Between requests at a fixed rate; 0 in a closed loop. */
  private long intervalNanos;

  private long nextDueNanos;
  private int turn;
  private BooleanSupplier goesOn = () -> true;

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

  /**
   * Sends at a fixed rate for this long, or shorter if told so, and waits for the last answers.
   *
   * @param goesOn asked now and then
   */
  public Result run(int perSecond, Duration length, BooleanSupplier goesOn) {
    intervalNanos = Duration.ofSeconds(1).toNanos() / perSecond;
    nextDueNanos = System.nanoTime();
    this.goesOn = goesOn;
    try {
      return run(Long.MAX_VALUE, length);
    } finally {
      intervalNanos = 0;
      this.goesOn = () -> true;
    }
  }

  /** What all connections received in messages so far. */
  public long receivedBytes() {
    return connections.stream().mapToLong(UnaryConnection::receivedBytes).sum();
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
      while (inFlight() > 0 || sendsLater()) {
        if (intervalNanos == 0) selector.select(SELECT_MILLIS);
        else awaitDue();
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

  private boolean sendsLater() {
    return intervalNanos > 0 && System.nanoTime() - deadlineNanos < 0 && goesOn.getAsBoolean();
  }

  /** Until the next request is due, or something arrives a little later than it could. */
  private void awaitDue() throws IOException {
    long left = nextDueNanos - System.nanoTime();
    if (left > SHORTEST_SELECT_NANOS) {
      selector.select(left / SHORTEST_SELECT_NANOS);
    } else {
      if (left > 0) LockSupport.parkNanos(Math.min(left, LONGEST_NAP_NANOS));
      selector.selectNow();
    }
    // another connection begins each time, so that all have their share
    for (int i = 0; i < connections.size() && isDue(); i++)
      connections.get((turn + i) % connections.size()).start();
    turn++;
  }

  private boolean isDue() {
    return System.nanoTime() - nextDueNanos >= 0;
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
    public long dueNanos() {
      long now = System.nanoTime();
      if (remaining <= 0 || now - deadlineNanos > 0 || !goesOn.getAsBoolean()) return NOT_NOW;
      if (intervalNanos > 0) {
        if (now - nextDueNanos < 0) return NOT_NOW;
        now = nextDueNanos;
        nextDueNanos += intervalNanos;
      }
      remaining--;
      return now;
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
