package io.kvorum.verification.benchmark.wire;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Selector;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.HdrHistogram.Histogram;

/**
 * Watchers of one server and the puts that they see, on one thread. A put carries the time at which
 * it was sent, and each event is measured by it. Keys are numbered; a watcher watches one key.
 */
public final class WatchLoad implements AutoCloseable {
  private static final long LONGEST_NANOS = Duration.ofMinutes(10).toNanos();
  private static final Duration PATIENCE = Duration.ofMinutes(4);
  private static final int VALUE_BYTES = 256;
  private static final int PUT_CONNECTIONS = 4;
  private static final int PUT_CLIENTS_PER_CONNECTION = 50;

  private final Selector selector;
  private final Shape shape;
  private final List<WatchConnection> watchers = new ArrayList<>();
  private final List<UnaryConnection> writers = new ArrayList<>();
  private final SplittableRandom random = new SplittableRandom(1);
  private final byte[] noise = new byte[1 << 16];
  private Histogram eventNanos = new Histogram(LONGEST_NANOS, 3);
  private Histogram putNanos = new Histogram(LONGEST_NANOS, 3);
  private long created;
  private long events;
  private long failures;
  private long putsAllowed;
  private int nextKey;

  /**
   * How many watchers there are and what they watch.
   *
   * @param keys watcher number n, counted through all streams, watches key n modulo this
   */
  public record Shape(int connections, int streamsPerConnection, int watchesPerStream, int keys) {
    public int watchers() {
      return connections * streamsPerConnection * watchesPerStream;
    }

    /** Of one put. */
    public int eventsPerPut() {
      return watchers() / keys;
    }
  }

  /**
   * What one run did.
   *
   * @param putNanos from the put to its answer
   * @param eventNanos from the put to each of its events
   */
  public record Result(Duration elapsed, Histogram putNanos, Histogram eventNanos) {
    public double putsPerSecond() {
      return putNanos.getTotalCount() * 1e9 / elapsed.toNanos();
    }

    public double eventsPerSecond() {
      return eventNanos.getTotalCount() * 1e9 / elapsed.toNanos();
    }
  }

  /** Connects at once; {@link #watch} creates the watches. */
  public WatchLoad(InetSocketAddress server, Shape shape) {
    this.shape = shape;
    random.nextBytes(noise);
    try {
      selector = Selector.open();
      for (int i = 0; i < shape.connections; i++) {
        int first = i * shape.streamsPerConnection * shape.watchesPerStream;
        watchers.add(
            new WatchConnection(
                selector,
                server,
                shape.streamsPerConnection,
                shape.watchesPerStream,
                (stream, watch, out) ->
                    key(out, (first + stream * shape.watchesPerStream + watch) % shape.keys),
                new Events()));
      }
      for (int i = 0; i < PUT_CONNECTIONS; i++)
        writers.add(
            new UnaryConnection(
                selector,
                server,
                "/etcdserverpb.KV/Put",
                PUT_CLIENTS_PER_CONNECTION,
                this::writePut,
                new Puts()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Creates all watches and waits until they are there. */
  public void watch() {
    try {
      for (var connection : watchers) connection.start();
      for (var connection : watchers) connection.ask();
      until("the watches are created", () -> created == shape.watchers());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether the watchers take what the server sends. */
  public void setReading(boolean reading) {
    for (var connection : watchers) connection.setReading(reading);
  }

  /** Puts at a steady rate for this long, and waits for the last event. */
  public Result paced(double putsPerSecond, Duration length) {
    return run((long) (putsPerSecond * length.toNanos() / 1e9), putsPerSecond, true);
  }

  /** Puts one behind the other's answer, by many clients, and waits for the last event. */
  public Result together(long puts) {
    return run(puts, Double.MAX_VALUE, true);
  }

  /** The same without regard of the events. */
  public Result putsOnly(long puts) {
    return run(puts, Double.MAX_VALUE, false);
  }

  /** Waits until this many events have come since the start; how long it was. */
  public Duration awaitEvents(long count) {
    long began = System.nanoTime();
    until(count + " events", () -> events >= count);
    return Duration.ofNanos(System.nanoTime() - began);
  }

  /** Received so far. */
  public long events() {
    return events;
  }

  private Result run(long puts, double perSecond, boolean withEvents) {
    eventNanos = new Histogram(LONGEST_NANOS, 3);
    putNanos = new Histogram(LONGEST_NANOS, 3);
    long eventsBefore = events;
    long began = System.nanoTime();
    long[] released = {0};
    until(
        "the puts are answered and seen",
        () -> {
          long due =
              perSecond == Double.MAX_VALUE
                  ? puts
                  : Math.min(puts, (long) ((System.nanoTime() - began) / 1e9 * perSecond));
          if (due > released[0]) {
            putsAllowed += due - released[0];
            released[0] = due;
            startWriters();
          }
          return putNanos.getTotalCount() == puts
              && (!withEvents || events - eventsBefore == puts * shape.eventsPerPut());
        });
    if (failures > 0) throw new IllegalStateException(failures + " puts were refused");
    return new Result(Duration.ofNanos(System.nanoTime() - began), putNanos, eventNanos);
  }

  private void startWriters() {
    try {
      for (var writer : writers) writer.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void until(String what, BooleanSupplier done) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    try {
      while (!done.getAsBoolean()) {
        selector.select(1);
        for (var key : selector.selectedKeys()) {
          if (key.attachment() instanceof WatchConnection watching) watching.ready();
          else ((UnaryConnection) key.attachment()).ready();
        }
        selector.selectedKeys().clear();
        if (System.nanoTime() > deadline)
          throw new IllegalStateException(
              "not within %s: %s; %d watches, %d events, %d puts"
                  .formatted(PATIENCE, what, created, events, putNanos.getTotalCount()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void key(ByteBuffer out, int number) {
    out.put("watch/%08d".formatted(number).getBytes(StandardCharsets.US_ASCII));
  }

  /** The keys by turns, so that each is put as often as any other. */
  private void writePut(ByteBuffer out) {
    out.put((byte) (1 << 3 | 2)).put((byte) 14);
    key(out, nextKey);
    nextKey = (nextKey + 1) % shape.keys;
    out.put((byte) (2 << 3 | 2))
        .put((byte) (VALUE_BYTES & 0x7f | 0x80))
        .put((byte) (VALUE_BYTES >> 7));
    out.putLong(System.nanoTime());
    int rest = VALUE_BYTES - Long.BYTES;
    out.put(noise, random.nextInt(noise.length - rest), rest);
  }

  private final class Events implements WatchConnection.Listener {
    @Override
    public void created() {
      created++;
    }

    @Override
    public void event(long stamp) {
      events++;
      eventNanos.recordValue(Math.clamp(System.nanoTime() - stamp, 0, LONGEST_NANOS));
    }
  }

  private final class Puts implements UnaryConnection.Listener {
    @Override
    public void answered(long startedNanos, boolean succeeded, String status) {
      putNanos.recordValue(Math.min(System.nanoTime() - startedNanos, LONGEST_NANOS));
      if (!succeeded) failures++;
    }

    @Override
    public long dueNanos() {
      if (putsAllowed <= 0) return NOT_NOW;
      putsAllowed--;
      return System.nanoTime();
    }
  }

  @Override
  public void close() {
    try {
      for (var connection : watchers) connection.close();
      for (var connection : writers) connection.close();
      selector.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
