package io.kvorum.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Turns arguments and environment into a {@link ServerConfig}, or into the list of all errors. A
 * configuration file, once named, replaces flags and variables altogether, as etcd has it.
 */
public final class ConfigLoader {

  private ConfigLoader() {}

  /**
   * @param arguments the command line without the program's name
   * @param environment all variables; only {@code ETCD_*} are looked at
   */
  public static ConfigResult load(String[] arguments, Map<String, String> environment) {
    Findings findings = new Findings();
    CommandLine line = CommandLine.parse(arguments, findings);
    if (line.helpAsked()) {
      return new ConfigResult.Help(Usage.text());
    }
    if (!findings.hasErrors() && versionAsked(line)) {
      return new ConfigResult.Version(Versions.text());
    }
    Map<Flag, Setting> given = new LinkedHashMap<>(choose(line, environment, findings));
    given.values().removeIf(setting -> !isUsable(setting, findings));
    ServerConfig config = new ConfigAssembly(new Settings(given, findings), findings).assemble();
    return findings.hasErrors()
        ? findings.refused()
        : new ConfigResult.Loaded(config, findings.warnings());
  }

  private static boolean versionAsked(CommandLine line) {
    Setting version = line.given().get(MemberFlags.VERSION);
    return version != null
        && MemberFlags.VERSION.type().read(version.text()) instanceof Parsed.Value<?>(Object value)
        && value.equals(true);
  }

  /** The settings that count: the file's, or those of command line and environment together. */
  private static Map<Flag, Setting> choose(
      CommandLine line, Map<String, String> environment, Findings findings) {
    Setting file = line.given().get(MemberFlags.CONFIG_FILE);
    if (file == null || file.text().isEmpty()) {
      String variable = String.valueOf(MemberFlags.CONFIG_FILE.environment());
      String path = environment.getOrDefault(variable, "");
      file = new Setting(MemberFlags.CONFIG_FILE, path, new Origin.Variable(variable));
    }
    if (file.text().isEmpty()) {
      return merge(line, EnvironmentVariables.read(environment, findings), findings);
    }
    warnOfIgnored(line, environment, findings);
    return ConfigFile.read(file, findings);
  }

  private static Map<Flag, Setting> merge(
      CommandLine line, Map<Flag, Setting> variables, Findings findings) {
    Map<Flag, Setting> merged = new LinkedHashMap<>(variables);
    line.given()
        .forEach(
            (flag, setting) -> {
              Setting variable = merged.put(flag, setting);
              if (variable != null) {
                findings.error(
                    setting.quote()
                        + " and "
                        + variable.quote()
                        + ": given both as flag and as variable; take one away");
              }
            });
    return merged;
  }

  private static void warnOfIgnored(
      CommandLine line, Map<String, String> environment, Findings findings) {
    List<String> ignored = new ArrayList<>();
    for (Flag flag : line.given().keySet()) {
      if (!flag.equals(MemberFlags.CONFIG_FILE)) {
        ignored.add(flag.dashed());
      }
    }
    for (Flag flag : EnvironmentVariables.read(environment, new Findings()).keySet()) {
      if (!flag.equals(MemberFlags.CONFIG_FILE)) {
        ignored.add(String.valueOf(flag.environment()));
      }
    }
    if (!ignored.isEmpty()) {
      findings.warn(
          "a configuration file was given, so these are ignored: " + String.join(", ", ignored));
    }
  }

  /** False if the setting cannot be read or cannot be served; then its default stands in. */
  private static boolean isUsable(Setting setting, Findings findings) {
    Flag flag = setting.flag();
    switch (flag.type().read(setting.text())) {
      case Parsed.Problem<?>(String problem) -> {
        findings.badValue(setting, problem);
        return false;
      }
      case Parsed.Value<?>(Object value) -> {
        return switch (flag.support()) {
          case SUPPORTED -> true;
          case IGNORED_LEGACY -> false;
          case REMOVED -> {
            findings.misuse(setting.quote() + ": etcd no longer has this flag");
            yield false;
          }
          case NOT_YET -> {
            if (!isDefault(flag, value)) {
              findings.error(Settings.notYet(setting, ""));
            }
            yield false;
          }
          case WITHOUT_EFFECT -> {
            if (!flag.choices().isEmpty() && !flag.choices().contains(setting.text())) {
              findings.badValue(setting, "must be one of " + String.join(", ", flag.choices()));
            } else {
              findings.warn(setting.quote() + " has no effect in Kvorum: " + flag.meaning());
            }
            yield false;
          }
        };
      }
    }
  }

  private static boolean isDefault(Flag flag, Object value) {
    return flag.type().read(flag.defaultText()) instanceof Parsed.Value<?>(Object standard)
        && standard.equals(value);
  }
}
