package io.kvorum.config;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Reads arguments as Go's flag package does: {@code -x}, {@code --x}, {@code --x=v}, {@code --x v};
 * a boolean's value needs {@code =}; of repetitions the last wins. Unlike Go it goes on after an
 * error, to tell all of them.
 */
final class CommandLine {

  private final String[] arguments;
  private final Findings findings;
  private final Map<Flag, Setting> given = new LinkedHashMap<>();
  private boolean helpAsked;
  private int next;

  private CommandLine(String[] arguments, Findings findings) {
    this.arguments = arguments;
    this.findings = findings;
  }

  static CommandLine parse(String[] arguments, Findings findings) {
    CommandLine line = new CommandLine(arguments, findings);
    String before = "";
    while (line.next < arguments.length) {
      String argument = arguments[line.next++];
      line.read(argument, before);
      before = argument;
    }
    return line;
  }

  Map<Flag, Setting> given() {
    return given;
  }

  boolean helpAsked() {
    return helpAsked;
  }

  private void read(String argument, String before) {
    if (argument.length() < 2 || argument.charAt(0) != '-') {
      findings.misuse("'" + argument + "' is not a flag" + hintAfter(before, argument));
      return;
    }
    if (argument.equals("--")) {
      findings.misuse("'--' is not a flag; there are no arguments besides flags");
      return;
    }
    String body = argument.substring(argument.startsWith("--") ? 2 : 1);
    int equals = body.indexOf('=');
    String name = equals < 0 ? body : body.substring(0, equals);
    if (name.isEmpty() || name.charAt(0) == '-') {
      findings.misuse("'" + argument + "' is not a flag; write it as --name or --name=value");
      return;
    }
    Flag flag = Flags.byName(name.equals("h") ? "help" : name);
    if (flag == null) {
      String suggestion = Suggestion.phrase("--", name, Flags.names());
      findings.misuse("unknown flag --" + name + suggestion);
      return;
    }
    String value = equals < 0 ? valueWithoutEquals(flag) : body.substring(equals + 1);
    if (value != null) {
      accept(flag, value);
    }
  }

  /** A boolean without a value is true; any other flag takes the next argument, whatever it is. */
  private @Nullable String valueWithoutEquals(Flag flag) {
    if (flag.type().isBoolean()) {
      return "true";
    }
    if (next == arguments.length) {
      findings.misuse(flag.dashed() + " needs a value");
      return null;
    }
    return arguments[next++];
  }

  private void accept(Flag flag, String value) {
    if (flag.equals(MemberFlags.HELP)) {
      helpAsked = true;
    }
    given.put(flag, new Setting(flag, value, new Origin.CommandLineFlag(flag.dashed())));
  }

  private static String hintAfter(String before, String argument) {
    Flag flag = before.startsWith("-") ? Flags.byName(before.replaceFirst("^--?", "")) : null;
    if (flag != null && flag.type().isBoolean()) {
      String dashed = Objects.requireNonNull(flag).dashed();
      return "; the value of " + dashed + " needs an equals sign: " + dashed + "=" + argument;
    }
    return "; there are no arguments besides flags";
  }
}
