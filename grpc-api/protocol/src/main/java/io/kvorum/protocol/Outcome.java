package io.kvorum.protocol;

import java.util.function.Function;

/**
 * An expected result of a request: its value, or the refusal that the caller is to see. An
 * exception, by contrast, means a bug or a dead disk.
 *
 * @param <T> the value's type
 */
public sealed interface Outcome<T> {

  /** The request was carried out. */
  record Ok<T>(T value) implements Outcome<T> {}

  /**
   * The request was refused; nothing of it took effect, unless the error's own contract says
   * otherwise.
   */
  record Refused<T>(EtcdError error) implements Outcome<T> {}

  static <T> Outcome<T> ok(T value) {
    return new Ok<>(value);
  }

  static <T> Outcome<T> refused(EtcdError error) {
    return new Refused<>(error);
  }

  /** The value passed through {@code f}; a refusal stays as it is. */
  default <R> Outcome<R> map(Function<? super T, ? extends R> f) {
    return switch (this) {
      case Ok<T>(var value) -> new Ok<>(f.apply(value));
      case Refused<T>(var error) -> new Refused<>(error);
    };
  }
}
