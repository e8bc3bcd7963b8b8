package io.kvorum.config;

import java.util.ArrayList;
import java.util.List;

/** Everything that was found wrong or worth a warning, gathered so that all is told at once. */
final class Findings {

  private final List<String> errors = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();
  private boolean misused;

  /** The command line itself cannot be understood: etcd exits with 2 then. */
  void misuse(String error) {
    misused = true;
    errors.add(error);
  }

  void error(String error) {
    errors.add(error);
  }

  /** A value is wrong by itself; on the command line that counts as misuse. */
  void badValue(Setting setting, String problem) {
    String error = setting.quote() + ": " + problem;
    if (setting.origin() instanceof Origin.CommandLineFlag) {
      misuse(error);
    } else {
      error(error);
    }
  }

  void warn(String warning) {
    warnings.add(warning);
  }

  boolean hasErrors() {
    return !errors.isEmpty();
  }

  List<String> warnings() {
    return List.copyOf(warnings);
  }

  ConfigResult.Refused refused() {
    return new ConfigResult.Refused(List.copyOf(errors), misused ? 2 : 1);
  }
}
