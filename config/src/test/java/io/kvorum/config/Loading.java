package io.kvorum.config;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.util.List;
import java.util.Map;

/** Short forms of loading for the tests. */
final class Loading {

  private Loading() {}

  static ConfigResult load(String... arguments) {
    return ConfigLoader.load(arguments, Map.of());
  }

  static ServerConfig loaded(String... arguments) {
    return assertInstanceOf(ConfigResult.Loaded.class, load(arguments)).config();
  }

  static ServerConfig loadedFrom(Map<String, String> environment) {
    return assertInstanceOf(
            ConfigResult.Loaded.class, ConfigLoader.load(new String[0], environment))
        .config();
  }

  static List<String> warnings(Map<String, String> environment, String... arguments) {
    return assertInstanceOf(ConfigResult.Loaded.class, ConfigLoader.load(arguments, environment))
        .warnings();
  }

  static List<String> errors(String... arguments) {
    return refused(arguments).errors();
  }

  static ConfigResult.Refused refused(String... arguments) {
    return assertInstanceOf(ConfigResult.Refused.class, load(arguments));
  }

  static List<String> errorsFrom(Map<String, String> environment) {
    return assertInstanceOf(
            ConfigResult.Refused.class, ConfigLoader.load(new String[0], environment))
        .errors();
  }
}
