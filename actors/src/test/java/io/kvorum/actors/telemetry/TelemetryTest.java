package io.kvorum.actors.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TelemetryTest {
  private static final Map<String, String> NO_TAGS = Map.of();

  private final Telemetry telemetry = Telemetry.start();

  /** A row of the table of etcd's metrics. */
  record Row(String name, String type, List<String> labels, List<String> bounds) {
    Buckets buckets() {
      return Buckets.of(
          bounds.stream()
              .filter(b -> !b.equals("+Inf"))
              .mapToDouble(Double::parseDouble)
              .toArray());
    }
  }

  @Test
  void whatIsCountedBeforeTheRegistryIsOpenIsNotLost() {
    var fresh = Telemetry.start();
    var counter = fresh.counter("c_total", NO_TAGS);
    var gauge = fresh.gauge("g", NO_TAGS);
    var histogram = fresh.seconds("h_seconds", NO_TAGS);
    for (int i = 0; i < 100; i++) {
      counter.increment();
      gauge.increment();
      histogram.recordNanos(1_000_000);
    }
    gauge.add(-30);
    histogram.recordNanos(1_000_000, 50);
    histogram.recordNanos(1_000_000, 0);
    var page = scrape(fresh);
    assertEquals(100, page.value("c_total"));
    assertEquals(70, page.value("g"));
    assertEquals(150, page.value("h_seconds_count"));
    histogram.recordNanos(1_000_000, 50);
    assertEquals(200, scrape(fresh).value("h_seconds_count"));
  }

  @Test
  void aScrapeShowsThisMomentAndCountersNeverGoBack() {
    var counter = telemetry.counter("c_total", NO_TAGS);
    var histogram = telemetry.seconds("h_seconds", NO_TAGS);
    for (int i = 1; i <= 5; i++) {
      counter.add(i);
      histogram.record(Duration.ofMillis(3));
      var page = scrape(telemetry);
      assertEquals(i * (i + 1) / 2, page.value("c_total"));
      assertEquals(i, page.value("h_seconds_count"));
      assertEquals(page.values.get("c_total"), scrape(telemetry).values.get("c_total"));
    }
  }

  @Test
  void gaugesAreSetAndMoved() {
    var gauge = telemetry.gauge("g", Map.of("a", "1"));
    scrape(telemetry);
    gauge.set(1.5);
    assertEquals(1.5, scrape(telemetry).value("g{a=1}"));
    gauge.add(3);
    gauge.decrement();
    assertEquals(3.5, scrape(telemetry).value("g{a=1}"));
  }

  @Test
  void aSampleOnABoundBelongsToItsBucketAndOneAboveToTheNext() {
    var histogram = telemetry.seconds("h_seconds", NO_TAGS);
    scrape(telemetry);
    long bound = 1_000_000;
    for (int i = 0; i < 14; i++, bound *= 2) {
      var name = "h_seconds_bucket{le=" + PrometheusText.number(bound / 1e9) + "}";
      double before = scrape(telemetry).value(name);
      histogram.recordNanos(bound);
      assertEquals(before + 1, scrape(telemetry).value(name), "on " + name);
      // The smallest step is the first bound / 1024, or the 1024th of a larger bound.
      histogram.recordNanos(bound + bound / 512);
      assertEquals(before + 1, scrape(telemetry).value(name), "above " + name);
    }
    assertEquals(28, scrape(telemetry).value("h_seconds_bucket{le=+Inf}"));
  }

  @Test
  void sumAndExtremesOfAHistogram() {
    var histogram = telemetry.seconds("h_seconds", NO_TAGS);
    double sum = 0;
    for (int i = 1; i <= 1000; i++) {
      histogram.recordNanos(i * 37_000L);
      sum += i * 37e-6;
    }
    assertEquals(sum, scrape(telemetry).value("h_seconds_sum"), sum * 0.003);
    histogram.recordNanos(0);
    histogram.recordNanos(-5);
    histogram.record(Duration.ofDays(3));
    var page = scrape(telemetry);
    assertEquals(1003, page.value("h_seconds_count"));
    assertEquals(1002, page.value("h_seconds_bucket{le=8.192}"));
    assertEquals(29, page.value("h_seconds_bucket{le=0.001}"));
  }

  @Test
  void labelsAreEscapedAndSorted() {
    telemetry.counter("c_total", Map.of("b", "a\"b\\c\nd", "a", "x")).increment();
    var text = telemetry.scrape();
    assertTrue(text.contains("c_total{a=\"x\",b=\"a\\\"b\\\\c\\nd\"} 1\n"), text);
    assertEquals(1, scrape(telemetry).value("c_total{a=x, b=a\"b\\c\nd}"));
  }

  @Test
  void sameNameAndLabelsAreTheSameInstrumentAndATypeIsFixed() {
    var counter = telemetry.counter("c_total", Map.of("a", "1"));
    assertSame(counter, telemetry.counter("c_total", Map.of("a", "1")));
    assertThrows(IllegalStateException.class, () -> telemetry.gauge("c_total", NO_TAGS));
    telemetry.sampled("s", () -> 1);
    assertThrows(IllegalStateException.class, () -> telemetry.sampled("s", () -> 2));
  }

  @Test
  void sampledFiguresAreReadAtEachScrapeAndOneThatFailsIsLeftOut() {
    double[] now = {1};
    telemetry.sampled("s", () -> now[0]);
    telemetry.sampledCounter("t_total", NO_TAGS, () -> now[0]);
    telemetry.sampled(
        "broken",
        () -> {
          throw new IllegalStateException("closed");
        });
    assertEquals(1, scrape(telemetry).value("s"));
    now[0] = 2.5;
    var page = scrape(telemetry);
    assertEquals(2.5, page.value("s"));
    assertEquals("counter", page.typeByName.get("t_total"));
    assertFalse(page.typeByName.containsKey("broken"));
  }

  @Test
  void processFigures() {
    var page = scrape(telemetry);
    assertTrue(page.value("process_resident_memory_bytes") > 10e6);
    assertTrue(page.value("process_virtual_memory_bytes") > 10e6);
    assertTrue(page.value("process_cpu_seconds_total") > 0);
    assertTrue(page.value("process_open_fds") > 2);
    assertTrue(page.value("process_max_fds") >= page.value("process_open_fds"));
    assertTrue(page.value("os_fd_used") > 2);
    assertTrue(page.value("os_fd_limit") > 2);
    assertTrue(page.value("process_start_time_seconds") > 1.7e9);
    assertEquals("counter", page.typeByName.get("process_cpu_seconds_total"));
  }

  /** Whatever etcd shows can be shown under the same name, type, labels and bounds. */
  @Test
  void everyRowOfEtcdsTableKeepsItsNameTypeLabelsAndBounds() throws IOException {
    var rows = rows();
    for (var row : rows) {
      var tags = new TreeMap<String, String>();
      row.labels().forEach(label -> tags.put(label, "x"));
      switch (row.type()) {
        case "counter" -> {
          if (!row.name().startsWith("process_")) {
            telemetry.counter(row.name(), tags).increment();
          }
        }
        case "gauge" -> {
          if (!row.name().startsWith("process_") && !row.name().startsWith("os_")) {
            telemetry.gauge(row.name(), tags).set(1);
          }
        }
        case "histogram" -> telemetry.histogram(row.name(), tags, row.buckets()).record(1.0);
        default -> throw new AssertionError("unknown type: " + row);
      }
    }
    var page = scrape(telemetry);
    assertEquals(rows.size(), page.typeByName.size());
    for (var row : rows) {
      assertEquals(row.type(), page.typeByName.get(row.name()), row.name());
      if (row.type().equals("histogram")) {
        assertEquals(row.bounds(), page.boundsByName.get(row.name()), row.name());
      }
    }
  }

  @Test
  void theTypedInstrumentsAreRowsOfEtcdsTable() throws IOException {
    var rowByName = new TreeMap<String, Row>();
    rows().forEach(row -> rowByName.put(row.name(), row));
    var metrics = new EtcdMetrics(telemetry);
    metrics.identify("8e9e05c52164694d", "3.7.1");
    metrics.clusterVersion("", "3.6");
    metrics.clusterVersion("3.6", "3.7");
    metrics.mirrorKeyspace(() -> new EtcdMetrics.KeyspaceFigures(1, 2, 3, 4, 5, 6, 7, 6, 8, -1));
    var page = scrape(telemetry);
    for (var family : page.typeByName.entrySet()) {
      var row = rowByName.get(family.getKey());
      assertNotNull(row, family.getKey());
      assertEquals(row.type(), family.getValue(), family.getKey());
      if (row.type().equals("histogram")) {
        assertEquals(row.bounds(), page.boundsByName.get(row.name()), row.name());
      }
    }
    assertEquals(0, page.value("etcd_cluster_version{cluster_version=3.6}"));
    assertEquals(1, page.value("etcd_cluster_version{cluster_version=3.7}"));
    assertEquals(1, page.value("etcd_server_id{server_id=8e9e05c52164694d}"));
    assertEquals(1, page.value("etcd_mvcc_put_total"));
    assertEquals(-1, page.value("etcd_debugging_mvcc_compact_revision"));
  }

  @Test
  void instrumentsMayBeUsedFromAnyThreadWhileTheRegistryOpens() throws Exception {
    var fresh = Telemetry.start();
    int threads = 4;
    int each = 20_000;
    try (var pool = Executors.newFixedThreadPool(threads)) {
      var tasks = new ArrayList<Callable<Boolean>>();
      for (int t = 0; t < threads; t++) {
        tasks.add(
            () -> {
              for (int i = 0; i < each; i++) {
                fresh.counter("c_total", NO_TAGS).increment();
                fresh.gauge("g", NO_TAGS).increment();
              }
              return true;
            });
      }
      for (var done : pool.invokeAll(tasks)) {
        assertTrue(done.get());
      }
    }
    var page = scrape(fresh);
    assertEquals(threads * each, page.value("c_total"));
    assertEquals(threads * each, page.value("g"));
  }

  @ParameterizedTest
  @CsvSource({
    "0.001,0.001",
    "0.0001,0.0001",
    "0.00001,1e-05",
    "1,1",
    "100,100",
    "524288,524288",
    "1048576,1.048576e+06",
    "8388608,8.388608e+06",
    "1000000,1e+06",
    "-1,-1",
    "0,0",
    "2.5,2.5",
    "1e21,1e+21",
    "1.7955e-7,1.7955e-07"
  })
  void numbersLookAsGoPrintsThem(double value, String text) {
    assertEquals(text, PrometheusText.number(value));
  }

  private static MetricsPage scrape(Telemetry telemetry) {
    return MetricsPage.parse(telemetry.scrape());
  }

  private static List<Row> rows() throws IOException {
    var file = TelemetryTest.class.getResourceAsStream("/telemetry/metrics.tsv");
    assertNotNull(file);
    try (var reader = new BufferedReader(new InputStreamReader(file, StandardCharsets.UTF_8))) {
      return reader
          .lines()
          .filter(line -> !line.startsWith("#"))
          .map(line -> line.split("\t", -1))
          .map(cells -> new Row(cells[0], cells[1], list(cells[2]), list(cells[3])))
          .toList();
    }
  }

  private static List<String> list(String cell) {
    return cell.equals("-") ? List.of() : Arrays.asList(cell.split(","));
  }
}
