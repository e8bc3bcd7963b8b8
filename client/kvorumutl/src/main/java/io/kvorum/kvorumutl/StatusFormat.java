package io.kvorum.kvorumutl;

import io.kvorum.kvorumutl.etcd.DatabaseStatus;
import java.util.List;
import java.util.Locale;

/** The ways in which etcdutl writes a status, character for character. */
enum StatusFormat {
  SIMPLE,
  FIELDS,
  JSON,
  TABLE;

  private static final List<String> HEADS =
      List.of("HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE", "VERSION");

  private static final String JSON_FORM =
      "{\"hash\":%d,\"revision\":%d,\"totalKey\":%d,\"totalSize\":%d,\"version\":\"%s\"}";

  private static final String FIELDS_FORM =
      """
      "Hash" : %d
      "Revision" : %d
      "Keys" : %d
      "Size" : %d
      "Version" : %s\
      """;

  String of(DatabaseStatus status) {
    return switch (this) {
      case SIMPLE -> String.join(", ", cells(status));
      case FIELDS -> filled(FIELDS_FORM, status);
      case JSON -> filled(JSON_FORM, status);
      case TABLE -> table(cells(status));
    };
  }

  private static String filled(String form, DatabaseStatus status) {
    return String.format(
        Locale.ROOT,
        form,
        status.hash(),
        status.revision(),
        status.keys(),
        status.sizeBytes(),
        status.version());
  }

  private static List<String> cells(DatabaseStatus status) {
    return List.of(
        Long.toHexString(status.hash()),
        Long.toString(status.revision()),
        Long.toString(status.keys()),
        ByteCount.text(status.sizeBytes()),
        status.version());
  }

  private static String table(List<String> cells) {
    StringBuilder top = new StringBuilder("┌");
    StringBuilder heads = new StringBuilder("│");
    StringBuilder middle = new StringBuilder("├");
    StringBuilder row = new StringBuilder("│");
    StringBuilder bottom = new StringBuilder("└");
    for (int i = 0; i < cells.size(); i++) {
      int width = Math.max(HEADS.get(i).length(), cells.get(i).length());
      String line = "─".repeat(width + 2);
      boolean last = i == cells.size() - 1;
      top.append(line).append(last ? "┐" : "┬");
      heads.append(' ').append(centered(HEADS.get(i), width)).append(" │");
      middle.append(line).append(last ? "┤" : "┼");
      row.append(' ').append(" ".repeat(width - cells.get(i).length())).append(cells.get(i));
      row.append(" │");
      bottom.append(line).append(last ? "┘" : "┴");
    }
    return String.join("\n", top, heads, middle, row, bottom);
  }

  private static String centered(String text, int width) {
    int left = (width - text.length()) / 2;
    return " ".repeat(left) + text + " ".repeat(width - text.length() - left);
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
