package io.kvorum.config;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One setting: a flag of etcd's, or one of our own that only a configuration file can give.
 *
 * @param name without dashes
 * @param type how its text is read
 * @param choices the allowed words of an ENUM, else empty
 * @param defaultText the value when nothing is given, in the flag's own form
 * @param effectiveDefault what that default amounts to where it only stands for another value
 * @param support how far Kvorum goes with it
 * @param group heading in the usage text
 * @param environment its variable, or null if it has none
 * @param fileKey its key in a configuration file, nested keys joined by dots; null if it has none
 * @param meaning one line for the usage text
 */
record Flag(
    String name,
    FlagType type,
    List<String> choices,
    String defaultText,
    @Nullable String effectiveDefault,
    Support support,
    String group,
    @Nullable String environment,
    @Nullable String fileKey,
    String meaning) {

  static Flag of(String group, String name, FlagType type, String defaultText, String meaning) {
    String environment = "ETCD_" + name.toUpperCase(Locale.ROOT).replace('-', '_');
    return new Flag(
        name,
        type,
        List.of(),
        defaultText,
        null,
        Support.SUPPORTED,
        group,
        environment,
        name,
        meaning);
  }

  Flag withChoices(String... words) {
    return new Flag(
        name,
        type,
        List.of(words),
        defaultText,
        effectiveDefault,
        support,
        group,
        environment,
        fileKey,
        meaning);
  }

  Flag meaningDefault(String effective) {
    return new Flag(
        name, type, choices, defaultText, effective, support, group, environment, fileKey, meaning);
  }

  Flag notYet() {
    return with(Support.NOT_YET);
  }

  Flag with(Support newSupport) {
    return new Flag(
        name,
        type,
        choices,
        defaultText,
        effectiveDefault,
        newSupport,
        group,
        environment,
        fileKey,
        meaning);
  }

  Flag withoutEnvironment() {
    return new Flag(
        name, type, choices, defaultText, effectiveDefault, support, group, null, fileKey, meaning);
  }

  Flag withFileKey(@Nullable String key) {
    return new Flag(
        name,
        type,
        choices,
        defaultText,
        effectiveDefault,
        support,
        group,
        environment,
        key,
        meaning);
  }

  /** The name as it is written on a command line. */
  String dashed() {
    return "--" + name;
  }

  /** True if the value must not be repeated in messages. */
  boolean isSecret() {
    return name.equals("discovery-password") || name.equals("discovery-user");
  }

  /** The kind of value in the usage text. */
  String typeLabel() {
    if (type != FlagType.ENUM) {
      return type.label();
    }
    return "enum "
        + String.join("|", choices.stream().map(c -> c.isEmpty() ? "(empty)" : c).toList());
  }
}
