package io.kvorum.server.grpc;

import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Warns of unary calls that took long. An overloaded server has thousands of them a second, so the
 * log takes {@value #LINES_MAX} in a second and then the number left out.
 */
final class SlowCallLog {
  private static final Logger LOG = LoggerFactory.getLogger(SlowCallLog.class);
  private static final int LINES_MAX = 10;
  private static final long WINDOW_NANOS = Duration.ofSeconds(1).toNanos();

  private final AtomicLong windowStartNanos = new AtomicLong(System.nanoTime() - WINDOW_NANOS);
  private final AtomicLong inWindow = new AtomicLong();

  void log(
      MethodName method, Status.Code code, long elapsedNanos, int requestBytes, int responseBytes) {
    long now = System.nanoTime();
    long windowStart = windowStartNanos.get();
    if (now - windowStart >= WINDOW_NANOS && windowStartNanos.compareAndSet(windowStart, now)) {
      long leftOut = inWindow.getAndSet(0) - LINES_MAX;
      if (leftOut > 0) {
        LOG.warn("request stats: {} more slow calls were not logged", leftOut);
      }
    }
    if (inWindow.incrementAndGet() <= LINES_MAX) {
      LOG.warn(
          "request stats: {} took {} ms, {}, request {} bytes, response {} bytes",
          method,
          elapsedNanos / 1_000_000,
          code,
          requestBytes,
          responseBytes);
    }
  }
}
