package io.kvorum.config;

import java.math.BigInteger;
import java.util.List;

/** What kind of value a flag takes, and how its text is read. */
enum FlagType {
  BOOL("bool"),
  STRING("string"),
  INT("int"),
  INT64("int64"),
  UINT("uint"),
  UINT32("uint32"),
  UINT64("uint64"),
  UINT_MILLIS("uint (ms)"),
  UINT_SECONDS("uint (s)"),
  UINT_YEARS("uint (years)"),
  UINT_MEGABYTES("uint (MB)"),
  DURATION("duration"),
  URL_LIST("url-list"),
  STRING_LIST("string-list"),
  MEMBERS("map-list (name=url,...)"),
  GATES("kv-list (Name=true|false,...)"),
  JSON("string (JSON)"),
  ENUM("enum"),
  /** Accepted for the sake of old command lines; has no effect and no type. */
  IGNORED("ignored");

  private static final BigInteger MIN_INT64 = BigInteger.valueOf(Long.MIN_VALUE);
  private static final BigInteger MAX_INT64 = BigInteger.valueOf(Long.MAX_VALUE);
  private static final BigInteger MAX_UINT64 =
      BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
  private static final BigInteger MAX_UINT32 =
      BigInteger.ONE.shiftLeft(32).subtract(BigInteger.ONE);

  private final String label;

  FlagType(String label) {
    this.label = label;
  }

  /** The type's name in the usage text. */
  String label() {
    return label;
  }

  /** True for flags that may stand without a value, and whose value then needs {@code =}. */
  boolean isBoolean() {
    return this == BOOL || this == IGNORED;
  }

  /**
   * The value as a comparable object, equal for texts that mean the same: Boolean, BigInteger,
   * Duration, a list, or the text itself.
   */
  Parsed<? extends Object> read(String text) {
    return switch (this) {
      case BOOL -> GoValues.bool(text);
      case INT, INT64 -> GoValues.integer(text, MIN_INT64, MAX_INT64);
      case UINT, UINT64, UINT_MILLIS, UINT_SECONDS, UINT_YEARS, UINT_MEGABYTES ->
          GoValues.integer(text, BigInteger.ZERO, MAX_UINT64);
      case UINT32 -> GoValues.integer(text, BigInteger.ZERO, MAX_UINT32);
      case DURATION -> GoDuration.parse(text);
      // Whether each entry is a URL is judged where the list is used: cors, for one, may be "*".
      case URL_LIST, STRING_LIST, MEMBERS, GATES -> Parsed.value(sorted(GoValues.list(text)));
      case JSON -> Parsed.value(text.replaceAll("\\s", ""));
      case STRING, ENUM -> Parsed.value(text);
      case IGNORED -> Parsed.value("");
    };
  }

  private static List<String> sorted(List<String> entries) {
    return entries.stream().distinct().sorted().toList();
  }
}
