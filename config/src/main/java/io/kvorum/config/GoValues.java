package io.kvorum.config;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;

/** The words and numbers that Go's flag package accepts, and etcd's comma-separated lists. */
final class GoValues {

  private GoValues() {}

  static Parsed<Boolean> bool(String text) {
    return switch (text) {
      case "1", "t", "T", "true", "TRUE", "True" -> Parsed.value(true);
      case "0", "f", "F", "false", "FALSE", "False" -> Parsed.value(false);
      default -> Parsed.problem("is neither true nor false");
    };
  }

  /**
   * A whole number in Go's base-0 notation: decimal, {@code 0x}, {@code 0o} or a leading zero,
   * {@code 0b}; single underscores may separate digits.
   */
  static Parsed<BigInteger> integer(String text, BigInteger least, BigInteger greatest) {
    boolean negative = text.startsWith("-");
    String digits = negative || text.startsWith("+") ? text.substring(1) : text;
    int radix = 10;
    String lower = digits.toLowerCase(Locale.ROOT);
    if (lower.startsWith("0x") || lower.startsWith("0o") || lower.startsWith("0b")) {
      radix = lower.charAt(1) == 'x' ? 16 : lower.charAt(1) == 'o' ? 8 : 2;
      digits = digits.substring(2);
      digits = digits.startsWith("_") ? digits.substring(1) : digits;
    } else if (digits.length() > 1 && digits.startsWith("0")) {
      radix = 8;
    }
    if (!areDigits(digits, radix)) {
      return Parsed.problem("is not a whole number");
    }
    BigInteger magnitude = new BigInteger(digits.replace("_", ""), radix);
    BigInteger value = negative ? magnitude.negate() : magnitude;
    if (value.compareTo(least) < 0 || value.compareTo(greatest) > 0) {
      return Parsed.problem("is not between " + least + " and " + greatest);
    }
    return Parsed.value(value);
  }

  private static boolean areDigits(String digits, int radix) {
    if (digits.isEmpty()
        || digits.startsWith("_")
        || digits.endsWith("_")
        || digits.contains("__")) {
      return false;
    }
    return digits.chars().allMatch(c -> c == '_' || (c < 128 && Character.digit(c, radix) >= 0));
  }

  /** The entries of a comma-separated list, trimmed, without empty ones; an empty text has none. */
  static List<String> list(String text) {
    List<String> entries = new ArrayList<>();
    for (String entry : text.split(",", -1)) {
      if (!entry.isBlank()) {
        entries.add(entry.strip());
      }
    }
    return List.copyOf(entries);
  }

  /** A comma-separated list of URLs as etcd keeps it: trimmed, each once, sorted by its text. */
  static Parsed<List<EndpointUrl>> urls(String text) {
    LinkedHashSet<EndpointUrl> urls = new LinkedHashSet<>();
    List<String> problems = new ArrayList<>();
    for (String entry : list(text)) {
      switch (EndpointUrl.parse(entry)) {
        case Parsed.Value<EndpointUrl>(EndpointUrl url) -> urls.add(url);
        case Parsed.Problem<EndpointUrl>(String problem) ->
            problems.add("'" + entry + "' " + problem);
      }
    }
    return problems.isEmpty()
        ? Parsed.value(urls.stream().sorted().toList())
        : Parsed.problem(String.join("; ", problems));
  }
}
