package io.kvorum.config;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Reads {@code ETCD_*} variables. An empty one counts as unset, an unknown one is only a warning.
 */
final class EnvironmentVariables {

  private static final String PREFIX = "ETCD_";

  private EnvironmentVariables() {}

  static Map<Flag, Setting> read(Map<String, String> environment, Findings findings) {
    Map<Flag, Setting> given = new LinkedHashMap<>();
    // Sorted, so that messages come in the same order on every run.
    new TreeMap<>(environment)
        .forEach(
            (name, value) -> {
              if (!name.startsWith(PREFIX) || value.isEmpty()) {
                return;
              }
              Flag flag = Flags.byEnvironment(name);
              if (flag == null) {
                findings.warn(unknown(name));
              } else {
                given.put(flag, new Setting(flag, value, new Origin.Variable(name)));
              }
            });
    return given;
  }

  private static String unknown(String name) {
    return "ignoring unknown variable "
        + name
        + Suggestion.phrase("", name, Flags.environmentNames());
  }
}
