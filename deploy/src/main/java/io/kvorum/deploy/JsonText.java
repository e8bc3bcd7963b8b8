package io.kvorum.deploy;

import io.kvorum.config.GoDuration;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Writes values as JSON, as far as a log line needs it. */
final class JsonText {

  private static final char[] HEX = "0123456789abcdef".toCharArray();

  private JsonText() {}

  /** Appends {@code ,"key":value}. */
  static void field(StringBuilder out, String key, @Nullable Object value) {
    out.append(',');
    string(out, key);
    out.append(':');
    value(out, value);
  }

  private static void value(StringBuilder out, @Nullable Object value) {
    switch (value) {
      case null -> out.append("null");
      case Boolean flag -> out.append(flag.booleanValue());
      // JSON has no NaN and no infinities.
      case Double number when !Double.isFinite(number) -> string(out, number.toString());
      case Float number when !Float.isFinite(number) -> string(out, number.toString());
      case Number number -> out.append(number);
      case Duration duration -> string(out, GoDuration.format(duration));
      case Path path -> string(out, path.toString());
      case Iterable<?> items -> list(out, items);
      default -> string(out, String.valueOf(value));
    }
  }

  private static void list(StringBuilder out, Iterable<?> items) {
    char separator = '[';
    for (Object item : items) {
      out.append(separator);
      value(out, item);
      separator = ',';
    }
    out.append(separator == '[' ? "[]" : "]");
  }

  private static void string(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < ' ' || isLoneSurrogate(text, i)) {
            escape(out, c);
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }

  private static boolean isLoneSurrogate(String text, int at) {
    char c = text.charAt(at);
    boolean paired =
        Character.isHighSurrogate(c)
            ? at + 1 < text.length() && Character.isLowSurrogate(text.charAt(at + 1))
            : at > 0 && Character.isHighSurrogate(text.charAt(at - 1));
    return Character.isSurrogate(c) && !paired;
  }

  private static void escape(StringBuilder out, char c) {
    out.append("\\u");
    for (int shift = 12; shift >= 0; shift -= 4) {
      out.append(HEX[c >> shift & 0xf]);
    }
  }
}
