package io.kvorum.server;

import java.time.Duration;
import java.util.Set;

/**
 * What the flags say about the client port.
 *
 * @param maxRequestBytes {@code max-request-bytes}; the transport takes {@link
 *     #TRANSPORT_OVERHEAD_BYTES} more
 * @param maxTxnOps {@code max-txn-ops}
 * @param maxConcurrentStreams {@code max-concurrent-streams}, an unsigned 32-bit number; the
 *     configuration's own bound stands where it is lower
 * @param keepaliveInterval {@code grpc-keepalive-interval}: idle time after which the server pings
 *     a connection that has streams; zero for never
 * @param keepaliveTimeout {@code grpc-keepalive-timeout}: how long it waits for the answer
 * @param electionTimeout streams that require a leader end after three of these without one
 * @param requestTimeout longest wait of a health check
 * @param warnUnaryDuration {@code warning-unary-request-duration}
 * @param quotaBytes {@code quota-backend-bytes}, its default filled in
 * @param corsOrigins {@code cors}; {@code *} or nothing for any
 * @param hostWhitelist {@code host-whitelist}; {@code *} or nothing for any
 */
public record GrpcServerOptions(
    int maxRequestBytes,
    int maxTxnOps,
    long maxConcurrentStreams,
    Duration keepaliveInterval,
    Duration keepaliveTimeout,
    Duration electionTimeout,
    Duration requestTimeout,
    Duration warnUnaryDuration,
    long quotaBytes,
    Set<String> corsOrigins,
    Set<String> hostWhitelist) {
  /** Room for what surrounds a request in its message (etcd's grpcOverheadBytes). */
  public static final int TRANSPORT_OVERHEAD_BYTES = 512 * 1024;

  public GrpcServerOptions {
    corsOrigins = Set.copyOf(corsOrigins);
    hostWhitelist = Set.copyOf(hostWhitelist);
    if (maxRequestBytes <= 0
        || maxRequestBytes > Integer.MAX_VALUE - TRANSPORT_OVERHEAD_BYTES - 1) {
      throw new IllegalArgumentException("maxRequestBytes out of range: " + maxRequestBytes);
    }
    if (maxTxnOps <= 0 || maxConcurrentStreams <= 0) {
      throw new IllegalArgumentException("maxTxnOps and maxConcurrentStreams must be positive");
    }
  }

  /** etcd's defaults, with its election timeout of one second. */
  public static GrpcServerOptions defaults() {
    return new GrpcServerOptions(
        1_572_864,
        128,
        0xffff_ffffL,
        Duration.ofHours(2),
        Duration.ofSeconds(20),
        Duration.ofSeconds(1),
        Duration.ofSeconds(7),
        Duration.ofMillis(300),
        2L << 30,
        Set.of("*"),
        Set.of("*"));
  }

  int maxReceiveBytes() {
    return maxRequestBytes + TRANSPORT_OVERHEAD_BYTES;
  }
}
