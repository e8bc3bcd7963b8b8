package io.kvorum.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.math.BigInteger;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GoValuesTest {

  private static final BigInteger MIN = BigInteger.valueOf(Long.MIN_VALUE);
  private static final BigInteger MAX = BigInteger.valueOf(Long.MAX_VALUE);

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "1m30s, 90000000000",
    "300ms, 300000000",
    "1.5h, 5400000000000",
    "-1.5s, -1500000000",
    "+2s, 2000000000",
    ".5s, 500000000",
    "5.s, 5000000000",
    "1h2m3s4ms5us6ns, 3723004005006",
    "1µs, 1000",
    "1μs, 1000",
    "0.3333333333333333333h, 1199999999999",
    "2562047h47m16.854775807s, 9223372036854775807"
  })
  void readsDurations(String text, long nanos) {
    assertEquals(Parsed.value(Duration.ofNanos(nanos)), GoDuration.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "3",
        "-",
        "+",
        "s",
        ".",
        "-.s",
        "1",
        "1 s",
        "1x",
        "1sm",
        "1..5s",
        "1e3s",
        "1S",
        "2562047h47m16.854775808s",
        "1m 30s",
        "0x1s"
      })
  void refusesWhatIsNoDuration(String text) {
    assertInstanceOf(Parsed.Problem.class, GoDuration.parse(text), text);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0s",
    "1, 1ns",
    "1500, 1.5µs",
    "300000000, 300ms",
    "1500000000, 1.5s",
    "60000000000, 1m0s",
    "90000000000, 1m30s",
    "7200000000000, 2h0m0s",
    "-90000000000, -1m30s"
  })
  void writesDurationsAsGoDoes(long nanos, String text) {
    assertEquals(text, GoDuration.format(Duration.ofNanos(nanos)));
  }

  @Test
  void readsBackEveryDurationItWrites() {
    long seed = Long.getLong("kvorum.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int i = 0; i < 2_000; i++) {
      Duration duration = Duration.ofNanos(random.nextLong() >> random.nextInt(64));
      assertEquals(
          Parsed.value(duration),
          GoDuration.parse(GoDuration.format(duration)),
          () -> duration + "; replay with -Dkvorum.seed=" + seed);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "t", "T", "true", "TRUE", "True"})
  void readsTrue(String word) {
    assertEquals(Parsed.value(true), GoValues.bool(word));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "f", "F", "false", "FALSE", "False"})
  void readsFalse(String word) {
    assertEquals(Parsed.value(false), GoValues.bool(word));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "yes", "no", "on", "tRUE", "2", " true"})
  void refusesOtherWords(String word) {
    assertInstanceOf(Parsed.Problem.class, GoValues.bool(word));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "10, 10",
    "-5, -5",
    "+5, 5",
    "0x10, 16",
    "0X_ff, 255",
    "0b101, 5",
    "0o17, 15",
    "017, 15",
    "1_000, 1000"
  })
  void readsNumbersInGosNotations(String text, long value) {
    assertEquals(Parsed.value(BigInteger.valueOf(value)), GoValues.integer(text, MIN, MAX));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-",
        "x",
        "1.5",
        "1e3",
        "08",
        "0x",
        "_1",
        "1_",
        "1__0",
        "0b2",
        "١",
        "9223372036854775808",
        "99999999999999999999999"
      })
  void refusesWhatIsNoNumber(String text) {
    assertInstanceOf(Parsed.Problem.class, GoValues.integer(text, MIN, MAX), text);
  }

  @Test
  void readsUrlListsSortedAndWithoutDuplicates() {
    Parsed<List<EndpointUrl>> urls =
        GoValues.urls(" http://b:2,http://[::1]:1 ,HTTP://b:2,unix://socket,");
    assertEquals(
        Parsed.value(
            List.of(
                new EndpointUrl("http", "::1", 1, "http://[::1]:1"),
                new EndpointUrl("http", "b", 2, "http://b:2"),
                new EndpointUrl("unix", "socket", 0, "unix://socket"))),
        urls);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost:2379",
        "http://localhost",
        "http://localhost:",
        "http://h:65536",
        "http://h:x",
        "http://h:1/",
        "http://h:1/path",
        "http://h:1?q",
        "http://u@h:1",
        "ftp://h:1",
        "http://::1:2379",
        "http://[::1]",
        "http://h: 1",
        "://h:1",
        "http://"
      })
  void refusesBadUrls(String url) {
    assertInstanceOf(Parsed.Problem.class, GoValues.urls(url), url);
  }

  @Test
  void namesEveryBadUrlOfAList() {
    if (GoValues.urls("http://a,http://b:1,c") instanceof Parsed.Problem<?>(String problem)) {
      assertEquals(
          "'http://a' has no port; write it as http://host:port; "
              + "'c' is not a URL; write it as http://host:port",
          problem);
    } else {
      throw new AssertionError("accepted");
    }
  }
}
