package io.kvorum.kvorumutl;

import com.google.protobuf.ByteString;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** A JSON object on one line, written property by property. */
final class JsonLine {
  private final StringBuilder text = new StringBuilder("{");

  JsonLine number(String name, long value) {
    return raw(name, Long.toString(value));
  }

  JsonLine flag(String name, boolean value) {
    return raw(name, Boolean.toString(value));
  }

  JsonLine text(String name, String value) {
    return raw(name, quoted(value));
  }

  /** An id, as etcd's tools print it. */
  JsonLine id(String name, long value) {
    return text(name, Long.toHexString(value));
  }

  /**
   * @param json a value
   */
  JsonLine raw(String name, String json) {
    if (text.length() > 1) {
      text.append(',');
    }
    text.append(quoted(name)).append(':').append(json);
    return this;
  }

  @Override
  public String toString() {
    return text + "}";
  }

  static String array(List<String> values) {
    return "[" + String.join(",", values) + "]";
  }

  /** Bytes that are a readable text as that, others as an object with their digits. */
  static String bytes(ByteString bytes) {
    if (bytes.isValidUtf8()) {
      String text = bytes.toStringUtf8();
      if (text.codePoints().allMatch(JsonLine::isReadable)) {
        return quoted(text);
      }
    }
    return "{\"hex\":\"" + HexFormat.of().formatHex(bytes.toByteArray()) + "\"}";
  }

  private static boolean isReadable(int c) {
    return !Character.isISOControl(c) || c == '\n' || c == '\r' || c == '\t';
  }

  static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> quoted.append("\\\"");
        case '\\' -> quoted.append("\\\\");
        case '\n' -> quoted.append("\\n");
        case '\r' -> quoted.append("\\r");
        case '\t' -> quoted.append("\\t");
        default -> {
          if (Character.isISOControl(c)) {
            quoted.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          } else {
            quoted.append(c);
          }
        }
      }
    }
    return quoted.append('"').toString();
  }
}
