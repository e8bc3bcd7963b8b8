package io.kvorum.actors.telemetry;

import io.kvorum.actors.telemetry.Telemetry.Family;
import io.kvorum.actors.telemetry.Telemetry.Kind;
import io.kvorum.actors.telemetry.Telemetry.Series;
import java.math.BigDecimal;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.DoubleSupplier;
import kamon.metric.Distribution;
import kamon.metric.PeriodSnapshot;
import kamon.tag.Tag;
import kamon.tag.TagSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Writes one page in the Prometheus text format 0.0.4. Help lines are left out (the format has them
 * optional); numbers look as Go prints them, since the bounds of buckets are label values that
 * dashboards written for etcd select by.
 */
final class PrometheusText {
  private static final Logger LOG = LoggerFactory.getLogger(PrometheusText.class);

  /** Go's shortest format turns to an exponent from a million on, and below 0.0001. */
  private static final int GO_MAX_PLAIN_EXPONENT = 5;

  private static final int GO_MIN_PLAIN_EXPONENT = -4;

  /** From 256 units on a histogram's cells are wider than one: 128 to each power of two. */
  private static final int HDR_SINGLE_CELLS = 256;

  private static final int HDR_CELLS_PER_DOUBLING_LOG2 = 7;

  private final Map<String, Family> families;
  private final TreeMap<String, TreeMap<String, String>> linesByLabelsByName = new TreeMap<>();

  PrometheusText(Map<String, Family> families) {
    this.families = families;
  }

  String write(PeriodSnapshot snapshot, Map<Series, DoubleSupplier> sampled) {
    for (var metric : CollectionConverters.asJava(snapshot.counters())) {
      for (var counter : CollectionConverters.asJava(metric.instruments())) {
        value(metric.name(), labels(counter.tags()), ((Number) counter.value()).doubleValue());
      }
    }
    for (var metric : CollectionConverters.asJava(snapshot.gauges())) {
      for (var gauge : CollectionConverters.asJava(metric.instruments())) {
        value(metric.name(), labels(gauge.tags()), ((Number) gauge.value()).doubleValue());
      }
    }
    for (var metric : CollectionConverters.asJava(snapshot.histograms())) {
      for (var histogram : CollectionConverters.asJava(metric.instruments())) {
        distribution(metric.name(), labels(histogram.tags()), histogram.value());
      }
    }
    sampled.forEach(this::sample);
    return page();
  }

  private void sample(Series series, DoubleSupplier supplier) {
    double now;
    try {
      now = supplier.getAsDouble();
    } catch (RuntimeException e) {
      // One source of figures that is going down must not take the whole page with it.
      LOG.warn("metric {} cannot be read", series, e);
      return;
    }
    if (!Double.isNaN(now)) {
      value(series.name(), labels(series.tags()), now);
    }
  }

  private void value(String name, String labels, double value) {
    put(name, labels, name + braced(labels) + ' ' + number(value) + '\n');
  }

  private void distribution(String name, String labels, Distribution distribution) {
    var family = families.get(name);
    if (family == null || family.buckets() == null) {
      throw new IllegalStateException("histogram " + name + " was never declared");
    }
    var buckets = family.buckets();
    int count = buckets.bounds().size();
    long[] cumulative = new long[count];
    long total = 0;
    double sumUnits = 0;
    int bound = 0;
    var cells = distribution.bucketsIterator();
    while (cells.hasNext()) {
      var cell = cells.next();
      while (bound < count && cell.value() >= buckets.boundUnits(bound)) {
        cumulative[bound++] = total;
      }
      total += cell.frequency();
      sumUnits += cell.frequency() * (cell.value() + cellWidthUnits(cell.value()) / 2.0);
    }
    while (bound < count) {
      cumulative[bound++] = total;
    }

    var prefix = labels.isEmpty() ? "" : labels + ',';
    var text = new StringBuilder();
    for (int i = 0; i < count; i++) {
      var le = number(buckets.bounds().get(i));
      bucketLine(text, name, prefix, le, cumulative[i]);
    }
    bucketLine(text, name, prefix, "+Inf", total);
    text.append(name).append("_sum").append(braced(labels)).append(' ');
    text.append(number(sumUnits / buckets.unitsPerOne())).append('\n');
    text.append(name).append("_count").append(braced(labels)).append(' ').append(total);
    put(name, labels, text.append('\n').toString());
  }

  private static void bucketLine(
      StringBuilder text, String name, String prefix, String le, long count) {
    text.append(name).append("_bucket{").append(prefix).append("le=\"").append(le);
    text.append("\"} ").append(count).append('\n');
  }

  private void put(String name, String labels, String lines) {
    linesByLabelsByName.computeIfAbsent(name, _ -> new TreeMap<>()).put(labels, lines);
  }

  private String page() {
    var page = new StringBuilder(64 * 1024);
    linesByLabelsByName.forEach(
        (name, lines) -> {
          var family = families.get(name);
          Kind kind = family == null ? Kind.GAUGE : family.kind();
          page.append("# TYPE ").append(name).append(' ').append(kind.text()).append('\n');
          lines.values().forEach(page::append);
        });
    return page.toString();
  }

  private static long cellWidthUnits(long lowest) {
    return lowest < HDR_SINGLE_CELLS
        ? 1
        : Long.highestOneBit(lowest) >> HDR_CELLS_PER_DOUBLING_LOG2;
  }

  private static String braced(String labels) {
    return labels.isEmpty() ? "" : '{' + labels + '}';
  }

  private static String labels(TagSet tags) {
    var byName = new TreeMap<String, String>();
    for (Tag tag : CollectionConverters.asJava(tags.all())) {
      byName.put(tag.key(), String.valueOf(Tag.unwrapValue(tag)));
    }
    return labels(byName);
  }

  private static String labels(Map<String, String> tags) {
    var text = new StringBuilder();
    new TreeMap<>(tags)
        .forEach(
            (name, value) -> {
              text.append(text.isEmpty() ? "" : ",").append(name).append("=\"");
              escape(text, value).append('"');
            });
    return text.toString();
  }

  private static StringBuilder escape(StringBuilder text, String value) {
    for (int i = 0; i < value.length(); i++) {
      switch (value.charAt(i)) {
        case '\\' -> text.append("\\\\");
        case '"' -> text.append("\\\"");
        case '\n' -> text.append("\\n");
        default -> text.append(value.charAt(i));
      }
    }
    return text;
  }

  /** As Go's {@code strconv.FormatFloat(value, 'g', -1, 64)} has it. */
  static String number(double value) {
    if (Double.isNaN(value)) {
      return "NaN";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "+Inf" : "-Inf";
    }
    if (value == 0) {
      return "0";
    }
    var decimal = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    int exponent = decimal.precision() - decimal.scale() - 1;
    if (exponent >= GO_MIN_PLAIN_EXPONENT && exponent <= GO_MAX_PLAIN_EXPONENT) {
      return decimal.toPlainString();
    }
    var mantissa = decimal.movePointLeft(exponent).toPlainString();
    int magnitude = Math.abs(exponent);
    return mantissa + 'e' + (exponent < 0 ? '-' : '+') + (magnitude < 10 ? "0" : "") + magnitude;
  }
}
