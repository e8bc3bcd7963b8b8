package io.kvorum.deploy;

import io.kvorum.config.ConfigLoader;
import io.kvorum.config.ConfigResult;
import io.kvorum.config.ServerConfig;
import java.util.List;
import org.slf4j.LoggerFactory;

/** Where the process begins: settings are read, then a node is started or everything is refused. */
public final class Main {

  private Main() {}

  public static void main(String[] arguments) {
    switch (ConfigLoader.load(arguments, System.getenv())) {
      case ConfigResult.Help(String text) -> System.out.print(text);
      case ConfigResult.Version(String text) -> System.out.println(text);
      case ConfigResult.Refused(List<String> errors, int exitCode) -> refuse(errors, exitCode);
      case ConfigResult.Loaded(ServerConfig config, List<String> warnings) -> {
        LoggingSetup.apply(config.logging());
        warnings.forEach(warning -> LoggerFactory.getLogger(Main.class).warn(warning));
        start(config);
      }
    }
  }

  private static void start(ServerConfig config) {
    try {
      Node.start(config);
    } catch (StartException e) {
      LoggerFactory.getLogger(Main.class).error(e.getMessage());
      System.exit(1);
    }
  }

  /** The log's form is not settled yet, and a person is likely reading: plain lines. */
  private static void refuse(List<String> errors, int exitCode) {
    errors.forEach(error -> System.err.println("kvorum: " + error));
    System.err.println("kvorum: --help lists the flags");
    System.exit(exitCode);
  }
}
