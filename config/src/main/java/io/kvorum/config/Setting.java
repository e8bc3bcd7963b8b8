package io.kvorum.config;

/**
 * A flag with the text that was given for it.
 *
 * @param text the value in the flag's own form
 * @param written the value as the user wrote it, which a message repeats
 */
record Setting(Flag flag, String text, String written, Origin origin) {

  Setting(Flag flag, String text, Origin origin) {
    this(flag, text, text, origin);
  }

  /** The setting as the user wrote it, without secrets. */
  String quote() {
    return origin.quote(flag.isSecret() ? "***" : written);
  }
}
