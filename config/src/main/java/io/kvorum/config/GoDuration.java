package io.kvorum.config;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;

/**
 * Durations as Go writes them: {@code 1m30s}, {@code 300ms}, {@code 1.5h}, {@code -2s}. A unit is
 * required except for a bare zero. The range is Go's, signed 64-bit nanoseconds.
 */
public final class GoDuration {

  private static final BigInteger MAX_NANOS = BigInteger.valueOf(Long.MAX_VALUE);
  private static final String FORM =
      "is not a duration; write a number and a unit (ns, us, ms, s, m, h), such as 300ms or 1m30s";
  private static final String TOO_LONG = "is longer than a duration can be (about 292 years)";

  private GoDuration() {}

  static Parsed<Duration> parse(String text) {
    boolean negative = text.startsWith("-");
    String unsigned = negative || text.startsWith("+") ? text.substring(1) : text;
    if (unsigned.equals("0")) {
      return Parsed.value(Duration.ZERO);
    }
    if (unsigned.isEmpty()) {
      return Parsed.problem(FORM);
    }
    BigDecimal nanos = BigDecimal.ZERO;
    int at = 0;
    while (at < unsigned.length()) {
      int numberEnd = endOfNumber(unsigned, at);
      int unitEnd = endOfUnit(unsigned, numberEnd);
      String number = unsigned.substring(at, numberEnd);
      long unitNanos = unitNanos(unsigned.substring(numberEnd, unitEnd));
      if (!isNumber(number) || unitNanos == 0) {
        return Parsed.problem(FORM);
      }
      nanos = nanos.add(new BigDecimal(number).multiply(BigDecimal.valueOf(unitNanos)));
      at = unitEnd;
    }
    BigInteger whole = nanos.toBigInteger();
    if (whole.compareTo(MAX_NANOS) > 0) {
      return Parsed.problem(TOO_LONG);
    }
    return Parsed.value(Duration.ofNanos(negative ? -whole.longValue() : whole.longValue()));
  }

  /** The duration as Go prints it: {@code 1m30s}, {@code 1.5ms}, {@code 0s}. */
  public static String format(Duration duration) {
    long nanos = duration.toNanos();
    if (nanos == 0) {
      return "0s";
    }
    String sign = nanos < 0 ? "-" : "";
    BigDecimal left = BigDecimal.valueOf(nanos).abs();
    if (left.compareTo(BigDecimal.valueOf(1_000_000_000L)) < 0) {
      return sign + belowOneSecond(left);
    }
    long seconds = left.longValue() / 1_000_000_000L;
    BigDecimal secondsOfMinute =
        left.movePointLeft(9).subtract(BigDecimal.valueOf(seconds / 60 * 60));
    StringBuilder out = new StringBuilder(sign);
    if (seconds >= 3600) {
      out.append(seconds / 3600).append('h');
    }
    if (seconds >= 60) {
      out.append(seconds / 60 % 60).append('m');
    }
    return out.append(plain(secondsOfMinute)).append('s').toString();
  }

  private static String belowOneSecond(BigDecimal nanos) {
    if (nanos.compareTo(BigDecimal.valueOf(1_000)) < 0) {
      return plain(nanos) + "ns";
    }
    if (nanos.compareTo(BigDecimal.valueOf(1_000_000)) < 0) {
      return plain(nanos.movePointLeft(3)) + "µs";
    }
    return plain(nanos.movePointLeft(6)) + "ms";
  }

  private static String plain(BigDecimal value) {
    return value.signum() == 0 ? "0" : value.stripTrailingZeros().toPlainString();
  }

  private static int endOfNumber(String text, int from) {
    int at = from;
    while (at < text.length() && (isDigit(text.charAt(at)) || text.charAt(at) == '.')) {
      at++;
    }
    return at;
  }

  private static int endOfUnit(String text, int from) {
    int at = from;
    while (at < text.length() && !isDigit(text.charAt(at)) && text.charAt(at) != '.') {
      at++;
    }
    return at;
  }

  private static boolean isNumber(String text) {
    int dot = text.indexOf('.');
    return dot == text.lastIndexOf('.') && text.chars().anyMatch(c -> c != '.');
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  /** Nanoseconds of a unit; 0 for an unknown one. Both code points of the micro sign are Go's. */
  private static long unitNanos(String unit) {
    return switch (unit) {
      case "ns" -> 1L;
      case "us", "\u00b5s", "\u03bcs" -> 1_000L;
      case "ms" -> 1_000_000L;
      case "s" -> 1_000_000_000L;
      case "m" -> 60_000_000_000L;
      case "h" -> 3_600_000_000_000L;
      default -> 0L;
    };
  }
}
