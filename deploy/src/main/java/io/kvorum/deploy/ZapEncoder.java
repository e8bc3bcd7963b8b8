package io.kvorum.deploy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.encoder.EncoderBase;
import io.kvorum.config.ServerConfig.LogFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.List;
import org.slf4j.event.KeyValuePair;

/**
 * Writes log lines as etcd's logger, zap, does, so that what reads etcd's log reads ours. JSON:
 * {@code {"level":"info","ts":"2026-01-02T03:04:05.678901Z","logger":...,"caller":...,"msg":...}}
 * with the event's own fields behind. Console: the same in columns parted by tabs, the fields as
 * one JSON object at the end. Times are UTC, as it spares a start the time zones' tables.
 */
final class ZapEncoder extends EncoderBase<ILoggingEvent> {

  private static final byte[] NOTHING = new byte[0];

  private final LogFormat format;

  ZapEncoder(LogFormat format) {
    this.format = format;
  }

  @Override
  public byte[] headerBytes() {
    return NOTHING;
  }

  @Override
  public byte[] footerBytes() {
    return NOTHING;
  }

  @Override
  public byte[] encode(ILoggingEvent event) {
    StringBuilder line = new StringBuilder(256);
    switch (format) {
      case JSON -> json(line, event);
      case CONSOLE -> console(line, event);
    }
    return line.append('\n').toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void json(StringBuilder line, ILoggingEvent event) {
    line.append("{\"level\":\"").append(level(event)).append("\",\"ts\":\"");
    timestamp(line, event.getInstant());
    line.append('"');
    JsonText.field(line, "logger", event.getLoggerName());
    JsonText.field(line, "caller", caller(event));
    JsonText.field(line, "msg", event.getFormattedMessage());
    fields(line, event);
    IThrowableProxy thrown = event.getThrowableProxy();
    if (thrown != null) {
      JsonText.field(line, "error", headline(thrown));
      JsonText.field(line, "stacktrace", ThrowableProxyUtil.asString(thrown));
    }
    line.append('}');
  }

  private static void console(StringBuilder line, ILoggingEvent event) {
    timestamp(line, event.getInstant());
    line.append('\t').append(level(event));
    line.append('\t').append(event.getLoggerName());
    line.append('\t').append(caller(event));
    line.append('\t').append(event.getFormattedMessage());
    IThrowableProxy thrown = event.getThrowableProxy();
    StringBuilder fields = new StringBuilder();
    fields(fields, event);
    if (thrown != null) {
      JsonText.field(fields, "error", headline(thrown));
    }
    if (!fields.isEmpty()) {
      line.append("\t{").append(fields, 1, fields.length()).append('}');
    }
    if (thrown != null) {
      line.append('\n').append(ThrowableProxyUtil.asString(thrown).stripTrailing());
    }
  }

  private static void fields(StringBuilder line, ILoggingEvent event) {
    List<KeyValuePair> pairs = event.getKeyValuePairs();
    if (pairs != null) {
      for (KeyValuePair pair : pairs) {
        JsonText.field(line, pair.key, pair.value);
      }
    }
  }

  private static String headline(IThrowableProxy thrown) {
    return thrown.getMessage() == null
        ? thrown.getClassName()
        : thrown.getClassName() + ": " + thrown.getMessage();
  }

  private static String level(ILoggingEvent event) {
    return switch (event.getLevel().toInt()) {
      case Level.ERROR_INT -> "error";
      case Level.WARN_INT -> "warn";
      case Level.INFO_INT -> "info";
      // zap has no level below debug.
      default -> "debug";
    };
  }

  /** {@code package/File.java:line}, the package's last part only, after zap's short form. */
  private static String caller(ILoggingEvent event) {
    StackTraceElement[] stack = event.getCallerData();
    if (stack == null || stack.length == 0) {
      return "unknown";
    }
    StackTraceElement frame = stack[0];
    int classDot = frame.getClassName().lastIndexOf('.');
    int packageDot = classDot < 0 ? -1 : frame.getClassName().lastIndexOf('.', classDot - 1);
    String room =
        classDot < 0 ? "" : frame.getClassName().substring(packageDot + 1, classDot) + "/";
    return room + frame.getFileName() + ":" + frame.getLineNumber();
  }

  private static void timestamp(StringBuilder line, Instant instant) {
    LocalDateTime utc =
        LocalDateTime.ofEpochSecond(instant.getEpochSecond(), instant.getNano(), ZoneOffset.UTC);
    digits(line, utc.getYear(), 4).append('-');
    digits(line, utc.getMonthValue(), 2).append('-');
    digits(line, utc.getDayOfMonth(), 2).append('T');
    digits(line, utc.getHour(), 2).append(':');
    digits(line, utc.getMinute(), 2).append(':');
    digits(line, utc.getSecond(), 2).append('.');
    digits(line, utc.getNano() / 1_000, 6).append('Z');
  }

  private static StringBuilder digits(StringBuilder line, int value, int width) {
    int unit = 1;
    for (int i = 1; i < width; i++) {
      unit *= 10;
    }
    for (; unit > 0; unit /= 10) {
      line.append((char) ('0' + value / unit % 10));
    }
    return line;
  }
}
