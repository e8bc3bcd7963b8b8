package io.kvorum.config;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/** The usage text, made from the table of flags. */
final class Usage {

  private static final String HEAD =
      """
      Usage:
        kvorum [flags]                start a server
        kvorum --version              print versions
        kvorum -h | --help            print this text
        kvorum --config-file FILE     start with a file: etcd's YAML or JSON, or HOCON (*.conf);
                                      all other flags and variables are ignored then

      Flags take the forms -x v, --x v and --x=v; a boolean's value needs '='. Each can also be
      given by its variable: --data-dir is ETCD_DATA_DIR. Durations are written 300ms, 1m30s.
      """;

  private Usage() {}

  static String text() {
    Map<String, Set<Flag>> groups = new LinkedHashMap<>();
    Set<String> notYet = new LinkedHashSet<>();
    for (Flag flag : Flags.all()) {
      switch (flag.support()) {
        case SUPPORTED, WITHOUT_EFFECT ->
            groups.computeIfAbsent(flag.group(), g -> new LinkedHashSet<>()).add(flag);
        case NOT_YET -> notYet.add(flag.dashed());
        case IGNORED_LEGACY, REMOVED -> {
          // Nobody should start to use these.
        }
      }
    }
    StringBuilder text = new StringBuilder(HEAD);
    groups.forEach((group, flags) -> append(text, group, flags));
    text.append("\nKvorum (only in a configuration file):\n");
    for (Flag setting : TuningSettings.ALL) {
      line(text, setting.name(), setting);
    }
    text.append("\nKnown, but not supported yet (refused unless set to etcd's default):\n");
    appendWrapped(text, notYet);
    return text.toString();
  }

  private static void append(StringBuilder text, String group, Collection<Flag> flags) {
    text.append('\n').append(group).append(":\n");
    flags.forEach(flag -> line(text, flag.dashed(), flag));
  }

  private static void line(StringBuilder text, String name, Flag flag) {
    text.append("  ").append(name);
    if (!flag.defaultText().isEmpty()) {
      text.append(" '").append(flag.defaultText()).append('\'');
    }
    text.append("\n      ").append(flag.meaning());
    text.append(" (").append(flag.typeLabel());
    if (flag.effectiveDefault() != null) {
      text.append("; ")
          .append(flag.defaultText())
          .append(" means ")
          .append(flag.effectiveDefault());
    }
    text.append(")\n");
  }

  private static void appendWrapped(StringBuilder text, Collection<String> words) {
    int column = 0;
    for (String word : words) {
      if (column + word.length() > 94) {
        text.append('\n');
        column = 0;
      }
      text.append(column == 0 ? "  " : " ").append(word);
      column += word.length() + 1;
    }
    text.append('\n');
  }
}
