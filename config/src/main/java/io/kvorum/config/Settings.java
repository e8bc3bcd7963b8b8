package io.kvorum.config;

import java.math.BigInteger;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The given settings with typed reading. A value that cannot be read is reported once and replaced
 * by its default, so that validation can go on and find the other errors.
 */
final class Settings {

  private final Map<Flag, Setting> given;
  private final Findings findings;

  Settings(Map<Flag, Setting> given, Findings findings) {
    this.given = given;
    this.findings = findings;
  }

  boolean isSet(Flag flag) {
    return given.containsKey(flag);
  }

  @Nullable Setting setting(Flag flag) {
    return given.get(flag);
  }

  /** The value's text, the default's where none was given. */
  String text(Flag flag) {
    Setting setting = given.get(flag);
    return setting == null ? flag.defaultText() : setting.text();
  }

  boolean bool(Flag flag) {
    return Boolean.TRUE.equals(read(flag));
  }

  /** A number, refused outside the bounds. */
  long number(Flag flag, long least, long greatest) {
    BigInteger value = (BigInteger) read(flag);
    if (value.compareTo(BigInteger.valueOf(least)) < 0) {
      refuse(flag, "must be at least " + least);
      return least;
    }
    if (value.compareTo(BigInteger.valueOf(greatest)) > 0) {
      refuse(flag, "must be at most " + greatest);
      return greatest;
    }
    return value.longValue();
  }

  /** A number of which all beyond the greatest mean the same as the greatest. */
  long numberUpTo(Flag flag, long greatest) {
    return ((BigInteger) read(flag)).min(BigInteger.valueOf(greatest)).longValue();
  }

  /** A duration of zero or more. */
  Duration duration(Flag flag) {
    Duration value = (Duration) read(flag);
    if (value.isNegative()) {
      refuse(flag, "must not be negative");
      return Duration.ZERO;
    }
    return value;
  }

  List<String> list(Flag flag) {
    return GoValues.list(text(flag));
  }

  /** One of the flag's words, in lower case. */
  String choice(Flag flag) {
    String text = text(flag);
    if (flag.choices().contains(text)) {
      return text;
    }
    refuse(flag, "must be one of " + String.join(", ", flag.choices()));
    return flag.defaultText();
  }

  /** A list of URLs; empty if one of them is refused. */
  List<EndpointUrl> urls(Flag flag) {
    return switch (GoValues.urls(text(flag))) {
      case Parsed.Value<List<EndpointUrl>>(List<EndpointUrl> urls) -> urls;
      case Parsed.Problem<List<EndpointUrl>>(String problem) -> {
        refuse(flag, problem);
        yield List.of();
      }
    };
  }

  /** Reports a value that is wrong by itself. */
  void refuse(Flag flag, String problem) {
    findings.badValue(orDefault(flag), problem);
  }

  /** Reports a value that is right by itself but contradicts another setting. */
  void refuseTogether(Flag flag, String problem) {
    findings.error(orDefault(flag).quote() + ": " + problem);
  }

  /** Reports a value whose feature does not exist yet. */
  void refuseNotYet(Flag flag, String why) {
    findings.error(notYet(orDefault(flag), why));
  }

  static String notYet(Setting setting, String why) {
    String quoted = setting.quote();
    return setting.origin() instanceof Origin.CommandLineFlag
        ? "not supported yet: " + quoted + why
        : "not supported yet: " + setting.flag().dashed() + " (" + quoted + ")" + why;
  }

  private Setting orDefault(Flag flag) {
    Setting setting = given.get(flag);
    return setting != null
        ? setting
        : new Setting(flag, flag.defaultText(), new Origin.CommandLineFlag(flag.dashed()));
  }

  private Object read(Flag flag) {
    // What cannot be read was reported and taken out before, so this only fails for a bad table.
    return switch (flag.type().read(text(flag))) {
      case Parsed.Value<?>(Object value) -> value;
      case Parsed.Problem<?>(String problem) ->
          throw new IllegalStateException(flag.dashed() + "=" + text(flag) + " " + problem);
    };
  }
}
