package io.kvorum.kvorumutl;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The ways in which etcdutl writes a few figures, character for character. */
enum OutputFormat {
  SIMPLE,
  FIELDS,
  JSON,
  TABLE;

  /**
   * A figure and its names in the forms.
   *
   * @param column head of the table
   * @param cell for people
   * @param value as it is, for programs
   * @param quoted whether the value is a text
   */
  record Figure(
      String column, String field, String property, String cell, String value, boolean quoted) {

    static Figure number(String column, String field, String property, long value) {
      String text = Long.toString(value);
      return new Figure(column, field, property, text, text, false);
    }
  }

  String of(List<Figure> figures) {
    return switch (this) {
      case SIMPLE -> String.join(", ", figures.stream().map(Figure::cell).toList());
      case FIELDS ->
          String.join(
              "\n", figures.stream().map(f -> "\"" + f.field() + "\" : " + f.value()).toList());
      case JSON -> json(figures);
      case TABLE -> table(figures);
    };
  }

  private static String json(List<Figure> figures) {
    List<String> properties = new ArrayList<>();
    for (Figure figure : figures) {
      properties.add(
          "\""
              + figure.property()
              + "\":"
              + (figure.quoted() ? JsonLine.quoted(figure.value()) : figure.value()));
    }
    return "{" + String.join(",", properties) + "}";
  }

  private static String table(List<Figure> figures) {
    StringBuilder top = new StringBuilder("┌");
    StringBuilder heads = new StringBuilder("│");
    StringBuilder middle = new StringBuilder("├");
    StringBuilder row = new StringBuilder("│");
    StringBuilder bottom = new StringBuilder("└");
    for (Figure figure : figures) {
      int width = Math.max(figure.column().length(), figure.cell().length());
      String line = "─".repeat(width + 2);
      boolean last = figure.equals(figures.getLast());
      top.append(line).append(last ? "┐" : "┬");
      heads.append(' ').append(centered(figure.column(), width)).append(" │");
      middle.append(line).append(last ? "┤" : "┼");
      row.append(' ').append(" ".repeat(width - figure.cell().length())).append(figure.cell());
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
