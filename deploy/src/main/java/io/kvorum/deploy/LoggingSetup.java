package io.kvorum.deploy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import io.kvorum.config.ServerConfig.LogFormat;
import io.kvorum.config.ServerConfig.LogLevel;
import io.kvorum.config.ServerConfig.LogOutput;
import io.kvorum.config.ServerConfig.LoggingConfig;
import java.util.List;
import org.slf4j.LoggerFactory;

/**
 * Sets up the log as the flags want it, in code: reading logback's XML would cost about a tenth of
 * a second of every start.
 *
 * <p>Lines are written by the thread that logs, one write each. A reader that stops reading stdout
 * or stderr therefore stops the server in the end, as it does etcd.
 */
public final class LoggingSetup {

  /** What is logged before, or without, flags. */
  static final LoggingConfig DEFAULT =
      new LoggingConfig(LogLevel.INFO, LogFormat.JSON, List.of(LogOutput.STDERR));

  /** Libraries whose chatter at level info tells an operator nothing. */
  private static final List<String> QUIET_LIBRARIES = List.of("org.apache.pekko", "kamon");

  /**
   * What these warn of comes with every attempt to dial a peer that is down. The lines of {@code
   * io.kvorum.actors.cluster} say it once.
   */
  private static final List<String> PEER_LIBRARIES =
      List.of(
          "org.apache.pekko.remote",
          "org.apache.pekko.cluster",
          "org.apache.pekko.stream.Materializer");

  private LoggingSetup() {}

  /** Replaces the log's settings; lines written before went by the defaults. */
  public static void apply(LoggingConfig config) {
    apply((LoggerContext) LoggerFactory.getILoggerFactory(), config);
  }

  static void apply(LoggerContext context, LoggingConfig config) {
    Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.detachAndStopAllAppenders();
    root.setLevel(level(config.level()));
    // null lets a library follow the root again.
    Level quiet = config.level() == LogLevel.INFO ? Level.WARN : null;
    for (String library : QUIET_LIBRARIES) {
      context.getLogger(library).setLevel(quiet);
    }
    boolean normal = config.level() == LogLevel.INFO || config.level() == LogLevel.WARN;
    for (String library : PEER_LIBRARIES) {
      context.getLogger(library).setLevel(normal ? Level.ERROR : null);
    }
    for (LogOutput output : config.outputs()) {
      root.addAppender(appender(context, config.format(), output));
    }
  }

  private static ConsoleAppender<ILoggingEvent> appender(
      LoggerContext context, LogFormat format, LogOutput output) {
    ZapEncoder encoder = new ZapEncoder(format);
    encoder.setContext(context);
    encoder.start();
    ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
    appender.setContext(context);
    appender.setName(output.name());
    appender.setTarget(
        switch (output) {
          case STDERR -> "System.err";
          case STDOUT -> "System.out";
        });
    appender.setEncoder(encoder);
    appender.start();
    return appender;
  }

  private static Level level(LogLevel level) {
    return switch (level) {
      case DEBUG -> Level.DEBUG;
      case INFO -> Level.INFO;
      case WARN -> Level.WARN;
      case ERROR -> Level.ERROR;
      // More severe than anything that slf4j can say.
      case PANIC, FATAL -> Level.OFF;
    };
  }
}
