package io.kvorum.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigSyntax;
import io.kvorum.config.ServerConfig.LogFormat;
import io.kvorum.config.ServerConfig.LogLevel;
import io.kvorum.config.ServerConfig.LogOutput;
import io.kvorum.config.ServerConfig.LoggingConfig;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.slf4j.Logger;

@ResourceLock(Resources.SYSTEM_ERR)
class LoggingSetupTest {

  /** What a context of its own writes to stderr while the given code logs. */
  private static List<String> logged(LogLevel level, LogFormat format, Consumer<Logger> code) {
    PrintStream before = System.err;
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    LoggerContext context = new LoggerContext();
    context.setMDCAdapter(new LogbackMDCAdapter());
    try {
      System.setErr(new PrintStream(written, true, StandardCharsets.UTF_8));
      LoggingSetup.apply(context, new LoggingConfig(level, format, List.of(LogOutput.STDERR)));
      code.accept(context.getLogger("io.kvorum.test"));
    } finally {
      context.stop();
      System.setErr(before);
    }
    return written.toString(StandardCharsets.UTF_8).lines().toList();
  }

  private static Config json(String line) {
    return ConfigFactory.parseString(
        line, ConfigParseOptions.defaults().setSyntax(ConfigSyntax.JSON));
  }

  @Test
  void writesOneJsonObjectPerLineInZapsOrder() {
    List<String> lines =
        logged(LogLevel.INFO, LogFormat.JSON, log -> log.info("ready to {}", "serve"));
    assertEquals(1, lines.size());
    assertTrue(
        lines
            .getFirst()
            .matches(
                "\\{\"level\":\"info\",\"ts\":\"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z\""
                    + ",\"logger\":\"io\\.kvorum\\.test\""
                    + ",\"caller\":\"deploy/LoggingSetupTest\\.java:\\d+\""
                    + ",\"msg\":\"ready to serve\"}"),
        lines.getFirst());
  }

  @Test
  void keepsFieldsWithTheirTypes() {
    Config line =
        json(
            logged(
                    LogLevel.INFO,
                    LogFormat.JSON,
                    log ->
                        log.atWarn()
                            .addKeyValue("count", 7)
                            .addKeyValue("on", true)
                            .addKeyValue("none", (Object) null)
                            .addKeyValue("took", Duration.ofMillis(1500))
                            .addKeyValue("nan", Double.NaN)
                            .addKeyValue("urls", List.of("a", "b"))
                            .addKeyValue("empty", Set.of())
                            .log("fields"))
                .getFirst());
    assertEquals("warn", line.getString("level"));
    assertEquals(7, line.getNumber("count"));
    assertTrue(line.getBoolean("on"));
    assertTrue(line.getIsNull("none"));
    assertEquals("1.5s", line.getString("took"));
    assertEquals("NaN", line.getString("nan"));
    assertEquals(List.of("a", "b"), line.getStringList("urls"));
    assertEquals(List.of(), line.getStringList("empty"));
    assertTrue(line.getString("caller").startsWith("deploy/LoggingSetupTest.java:"));
  }

  @Test
  void anyTextStaysOneValidLine() {
    StringBuilder text = new StringBuilder("\"\\ \ud83d\ude00 é");
    for (char c = 0; c < 0x20; c++) {
      text.append(c);
    }
    List<String> lines = logged(LogLevel.INFO, LogFormat.JSON, log -> log.info(text.toString()));
    assertEquals(1, lines.size());
    assertEquals(text.toString(), json(lines.getFirst()).getString("msg"));
    List<String> broken = logged(LogLevel.INFO, LogFormat.JSON, log -> log.info("a\ud83db\ude00"));
    assertTrue(broken.getFirst().contains("\"msg\":\"a\\ud83db\\ude00\""), broken.getFirst());
  }

  @Test
  void tellsExceptions() {
    Exception thrown = new IllegalStateException("disk \"x\" is full");
    Config line =
        json(logged(LogLevel.INFO, LogFormat.JSON, log -> log.error("failed", thrown)).getFirst());
    assertEquals("java.lang.IllegalStateException: disk \"x\" is full", line.getString("error"));
    assertTrue(line.getString("stacktrace").contains("LoggingSetupTest.java"));
  }

  @Test
  void consoleHasColumnsAndFieldsAtTheEnd() {
    List<String> lines =
        logged(
            LogLevel.INFO,
            LogFormat.CONSOLE,
            log -> {
              log.atInfo().addKeyValue("n", 1).addKeyValue("s", "x").log("hello");
              log.info("plain");
            });
    String[] columns = lines.getFirst().split("\t", -1);
    assertEquals(6, columns.length);
    assertEquals(List.of("info", "io.kvorum.test"), List.of(columns[1], columns[2]));
    assertEquals("hello", columns[4]);
    assertEquals("{\"n\":1,\"s\":\"x\"}", columns[5]);
    assertEquals(5, lines.get(1).split("\t", -1).length);
  }

  @Test
  void levelsCutOffWhatIsBelow() {
    List<Integer> counts = new ArrayList<>();
    for (LogLevel level : LogLevel.values()) {
      counts.add(
          logged(
                  level,
                  LogFormat.JSON,
                  log -> {
                    log.trace("t");
                    log.debug("d");
                    log.info("i");
                    log.warn("w");
                    log.error("e");
                  })
              .size());
    }
    assertEquals(List.of(4, 3, 2, 1, 0, 0), counts);
  }
}
