package io.kvorum.actors.telemetry;

import com.typesafe.config.ConfigFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import kamon.metric.DynamicRange;
import kamon.metric.MeasurementUnit;
import kamon.metric.MetricRegistry;
import kamon.tag.TagSet;
import kamon.util.Clock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Option;

/**
 * A process's instruments and the page that shows them.
 *
 * <p>The instruments are Kamon's, in a registry of our own instead of the global one: nobody else
 * takes (and thereby resets) its snapshots, so a snapshot taken at the moment of a scrape holds the
 * totals since the start, with no reporter, tick or thread in between, and two servers in one JVM
 * do not mix their figures. The page is written here as well, since Kamon's own Prometheus text
 * appends {@code _total} to every counter and etcd has counters without it.
 *
 * <p>Opening the registry takes a quarter of a second in a cold JVM, so {@link #start} leaves that
 * to a thread of its own. Instruments may be asked for and used at once.
 */
public final class Telemetry {
  private static final Logger LOG = LoggerFactory.getLogger(Telemetry.class);

  /** How a family is counted; fixed by whoever names it first. */
  enum Kind {
    COUNTER("counter"),
    GAUGE("gauge"),
    HISTOGRAM("histogram");

    private final String text;

    Kind(String text) {
      this.text = text;
    }

    String text() {
      return text;
    }
  }

  /** All series of one name. */
  record Family(Kind kind, @Nullable Buckets buckets) {}

  /** One line, or one group of bucket lines, of the page. */
  record Series(String name, Map<String, String> tags) {
    Series {
      tags = Map.copyOf(tags);
    }
  }

  private final ConcurrentMap<String, Family> families = new ConcurrentHashMap<>();
  private final ConcurrentMap<Series, Counter> counters = new ConcurrentHashMap<>();
  private final ConcurrentMap<Series, Gauge> gauges = new ConcurrentHashMap<>();
  private final ConcurrentMap<Series, Histogram> histograms = new ConcurrentHashMap<>();
  private final ConcurrentMap<Series, DoubleSupplier> sampled = new ConcurrentHashMap<>();

  private final Object opening = new Object();
  private final CountDownLatch opened = new CountDownLatch(1);
  private final List<Consumer<MetricRegistry>> waiting = new ArrayList<>();
  private @Nullable MetricRegistry registry;
  private @Nullable Throwable failure;

  private Telemetry() {
    ProcessFigures.register(this);
  }

  /** Instruments at once, the registry behind them in a moment. */
  public static Telemetry start() {
    var telemetry = new Telemetry();
    Thread.ofPlatform().daemon().name("kvorum-telemetry-start").start(telemetry::open);
    return telemetry;
  }

  /** The counter of this name and these labels; the same one each time. */
  public Counter counter(String name, Map<String, String> tags) {
    declare(name, new Family(Kind.COUNTER, null));
    return counters.computeIfAbsent(
        new Series(name, tags),
        series -> {
          var counter = new Counter();
          whenOpen(
              r ->
                  counter.bind(
                      r.counter(name, Option.empty(), Option.empty(), Option.empty())
                          .withTags(tagSet(series.tags()))));
          return counter;
        });
  }

  /** The gauge of this name and these labels; the same one each time. */
  public Gauge gauge(String name, Map<String, String> tags) {
    declare(name, new Family(Kind.GAUGE, null));
    return gauges.computeIfAbsent(
        new Series(name, tags),
        series -> {
          var gauge = new Gauge();
          whenOpen(
              r ->
                  gauge.bind(
                      r.gauge(name, Option.empty(), Option.empty(), Option.empty())
                          .withTags(tagSet(series.tags()))));
          return gauge;
        });
  }

  /** A histogram of durations in etcd's usual buckets, {@link Buckets#SECONDS}. */
  public Histogram seconds(String name, Map<String, String> tags) {
    return histogram(name, tags, Buckets.SECONDS);
  }

  /** The histogram of this name and these labels; the same one each time. */
  public Histogram histogram(String name, Map<String, String> tags, Buckets buckets) {
    declare(name, new Family(Kind.HISTOGRAM, buckets));
    return histograms.computeIfAbsent(
        new Series(name, tags),
        series -> {
          var histogram = new Histogram(buckets);
          var range = new DynamicRange(1, buckets.highestUnits(), 2);
          whenOpen(
              r ->
                  histogram.bind(
                      r.histogram(
                              name,
                              Option.empty(),
                              Option.<MeasurementUnit>empty(),
                              Option.apply(range),
                              Option.empty())
                          .withTags(tagSet(series.tags()))));
          return histogram;
        });
  }

  /**
   * A gauge that mirrors state kept elsewhere: read at each scrape, on the scraping thread. NaN
   * means that there is nothing to show now.
   */
  public void sampled(String name, DoubleSupplier value) {
    sampled(name, Map.of(), value);
  }

  /** As {@link #sampled(String, DoubleSupplier)}, with labels. */
  public void sampled(String name, Map<String, String> tags, DoubleSupplier value) {
    sample(Kind.GAUGE, name, tags, value);
  }

  /** A total kept elsewhere, shown as a counter and read at each scrape. */
  public void sampledCounter(String name, Map<String, String> tags, DoubleSupplier value) {
    sample(Kind.COUNTER, name, tags, value);
  }

  private void sample(Kind kind, String name, Map<String, String> tags, DoubleSupplier value) {
    declare(name, new Family(kind, null));
    var series = new Series(name, tags);
    if (sampled.putIfAbsent(series, value) != null
        || counters.containsKey(series)
        || gauges.containsKey(series)) {
      throw new IllegalStateException("metric " + series + " is registered already");
    }
  }

  /**
   * Every series in the Prometheus text format 0.0.4, families by name and series by labels, with
   * the values of this moment. Waits for the registry if it is not open yet; reads /proc: not for a
   * dispatcher that others need.
   */
  public String scrape() {
    return new PrometheusText(families).write(openRegistry().snapshot(false), sampled);
  }

  private void declare(String name, Family family) {
    var known = families.putIfAbsent(name, family);
    if (known != null && !known.equals(family)) {
      throw new IllegalStateException("metric " + name + " is " + known + ", not " + family);
    }
  }

  private void whenOpen(Consumer<MetricRegistry> bind) {
    synchronized (opening) {
      if (registry != null) {
        bind.accept(registry);
      } else {
        waiting.add(bind);
      }
    }
  }

  private void open() {
    try {
      // The same cached reference configuration that Pekko reads; of it only Kamon's defaults
      // matter.
      var fresh = new MetricRegistry(ConfigFactory.defaultReference(), new Clock.Anchored());
      synchronized (opening) {
        waiting.forEach(bind -> bind.accept(fresh));
        waiting.clear();
        registry = fresh;
      }
    } catch (RuntimeException | Error e) {
      LOG.error("the metrics registry cannot be opened: there will be no metrics", e);
      synchronized (opening) {
        failure = e;
      }
    } finally {
      opened.countDown();
    }
  }

  private MetricRegistry openRegistry() {
    try {
      opened.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the metrics registry was opening", e);
    }
    synchronized (opening) {
      if (registry == null) {
        throw new IllegalStateException("the metrics registry could not be opened", failure);
      }
      return registry;
    }
  }

  private static TagSet tagSet(Map<String, String> tags) {
    var builder = TagSet.builder();
    tags.forEach((name, value) -> builder.add(name, value));
    return builder.build();
  }
}
