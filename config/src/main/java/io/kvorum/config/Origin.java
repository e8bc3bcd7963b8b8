package io.kvorum.config;

/** Where a setting was given, so that a message can point there. */
sealed interface Origin {

  /** A flag on the command line. */
  record CommandLineFlag(String dashedName) implements Origin {}

  /** An environment variable. */
  record Variable(String name) implements Origin {}

  /** A key of a configuration file; the place is {@code file:line}. */
  record FileKey(String place, String key) implements Origin {}

  /** How the setting reads where it was given. */
  default String quote(String text) {
    return switch (this) {
      case CommandLineFlag(String dashedName) -> dashedName + "=" + text;
      case Variable(String name) -> name + "=" + text;
      case FileKey(String place, String key) -> place + ": " + key + ": " + text;
    };
  }
}
