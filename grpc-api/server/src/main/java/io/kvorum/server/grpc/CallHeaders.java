package io.kvorum.server.grpc;

import io.grpc.Status;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.jspecify.annotations.Nullable;

/**
 * What a request's headers say about the call.
 *
 * @param encoding {@code grpc-encoding}, null where absent
 * @param timeoutNanos {@code grpc-timeout}, {@link #NO_TIMEOUT} where absent
 * @param requireLeader metadata {@code hasleader: true}
 * @param clientApiVersion metadata {@code client-api-version}, null where absent
 * @param malformed the refusal of a header that cannot be read, null where all can
 */
public record CallHeaders(
    @Nullable String encoding,
    long timeoutNanos,
    boolean requireLeader,
    @Nullable String clientApiVersion,
    @Nullable Status malformed) {
  public static final long NO_TIMEOUT = Long.MAX_VALUE;

  /** Digits before the unit (gRPC over HTTP/2, "TimeoutValue"). */
  private static final int TIMEOUT_DIGITS_MAX = 8;

  static CallHeaders of(HttpRequest request) {
    String encoding = null;
    long timeoutNanos = NO_TIMEOUT;
    boolean requireLeader = false;
    boolean leaderSeen = false;
    String version = null;
    Status malformed = null;
    for (HttpHeader header : request.getHeaders()) {
      switch (header.lowercaseName()) {
        case "grpc-encoding" -> encoding = header.value();
        case "grpc-timeout" -> {
          try {
            timeoutNanos = timeoutNanos(header.value());
          } catch (IllegalArgumentException e) {
            malformed =
                Status.INTERNAL.withDescription("malformed grpc-timeout: " + e.getMessage());
          }
        }
        case "hasleader" -> {
          // Of several values the first counts, as in etcd.
          requireLeader = leaderSeen ? requireLeader : header.value().equals("true");
          leaderSeen = true;
        }
        case "client-api-version" -> version = version == null ? header.value() : version;
        default -> {
          // Other metadata says nothing to this server.
        }
      }
    }
    return new CallHeaders(encoding, timeoutNanos, requireLeader, version, malformed);
  }

  /** Nanoseconds of a value such as {@code 250m}; {@link #NO_TIMEOUT} where it exceeds a long. */
  static long timeoutNanos(String value) {
    int digits = value.length() - 1;
    if (digits < 1) {
      throw new IllegalArgumentException("transport: timeout string is too short: " + quote(value));
    }
    if (digits > TIMEOUT_DIGITS_MAX) {
      throw new IllegalArgumentException("transport: timeout string is too long: " + quote(value));
    }
    long unitNanos =
        switch (value.charAt(digits)) {
          case 'H' -> 3_600_000_000_000L;
          case 'M' -> 60_000_000_000L;
          case 'S' -> 1_000_000_000L;
          case 'm' -> 1_000_000L;
          case 'u' -> 1_000L;
          case 'n' -> 1L;
          default ->
              throw new IllegalArgumentException(
                  "transport: timeout unit is not recognized: " + quote(value));
        };
    long amount = 0;
    for (int i = 0; i < digits; i++) {
      int digit = value.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        throw new IllegalArgumentException("transport: timeout is not a number: " + quote(value));
      }
      amount = amount * 10 + digit;
    }
    return amount > Long.MAX_VALUE / unitNanos ? NO_TIMEOUT : amount * unitNanos;
  }

  private static String quote(String value) {
    return '"' + value + '"';
  }
}
