package io.kvorum.config;

/**
 * A value read from text, or what is wrong with the text. The problem is worded to follow the
 * setting and its text, as in {@code --max-wals=x: is not a whole number}.
 *
 * @param <T> the value's type
 */
sealed interface Parsed<T> {

  record Value<T>(T value) implements Parsed<T> {}

  record Problem<T>(String text) implements Parsed<T> {}

  static <T> Parsed<T> value(T value) {
    return new Value<>(value);
  }

  static <T> Parsed<T> problem(String text) {
    return new Problem<>(text);
  }
}
