package io.kvorum.actors.telemetry;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** A strict reader of the Prometheus text format 0.0.4, enough to check a page of ours. */
final class MetricsPage {
  private static final Pattern SAMPLE =
      Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(.*)\\})? (\\S+)");
  private static final Pattern LABEL =
      Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\]|\\\\[\\\\\"n])*)\"(,|$)");

  final Map<String, String> typeByName = new LinkedHashMap<>();

  /** By name and sorted labels, as in {@code name{a="1",b="2"}}. */
  final Map<String, String> values = new LinkedHashMap<>();

  final Map<String, List<String>> boundsByName = new TreeMap<>();

  static MetricsPage parse(String text) {
    if (!text.endsWith("\n")) {
      throw new AssertionError("the last line does not end");
    }
    var page = new MetricsPage();
    String family = "";
    for (var line : text.lines().toList()) {
      if (line.startsWith("# TYPE ")) {
        var parts = line.split(" ", 4);
        family = parts[2];
        if (page.typeByName.put(family, parts[3]) != null) {
          throw new AssertionError("family appears twice: " + family);
        }
      } else {
        page.sample(line, family);
      }
    }
    return page;
  }

  private void sample(String line, String family) {
    var match = SAMPLE.matcher(line);
    if (!match.matches()) {
      throw new AssertionError("not a sample: " + line);
    }
    var name = match.group(1);
    if (!name.equals(family)
        && !(("histogram".equals(typeByName.get(family)))
            && List.of(family + "_bucket", family + "_sum", family + "_count").contains(name))) {
      throw new AssertionError(name + " stands under the family " + family);
    }
    var labels = labels(match.group(2), line);
    if (name.equals(family + "_bucket")) {
      boundsByName
          .computeIfAbsent(family, _ -> new ArrayList<>())
          .add(labels.getOrDefault("le", ""));
    }
    Double.parseDouble(match.group(3).replace("Inf", "Infinity"));
    var key = labels.isEmpty() ? name : name + labels;
    if (values.put(key, match.group(3)) != null) {
      throw new AssertionError("series appears twice: " + key);
    }
  }

  private static TreeMap<String, String> labels(String text, String line) {
    var labels = new TreeMap<String, String>();
    if (text == null) {
      return labels;
    }
    var match = LABEL.matcher(text);
    int end = 0;
    while (match.find() && match.start() == end) {
      labels.put(
          match.group(1),
          match.group(2).replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\"));
      end = match.end();
    }
    if (end != text.length()) {
      throw new AssertionError("labels cannot be read: " + line);
    }
    return labels;
  }

  /** The value of the series written as {@code name} or {@code name{a=1, b=2}}. */
  double value(String key) {
    var text = values.get(key);
    if (text == null) {
      throw new AssertionError("no series " + key + " in " + values.keySet());
    }
    return Double.parseDouble(text.replace("Inf", "Infinity"));
  }
}
