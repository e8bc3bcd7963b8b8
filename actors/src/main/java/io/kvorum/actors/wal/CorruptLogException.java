package io.kvorum.actors.wal;

import org.jspecify.annotations.Nullable;

/** The records of a write-ahead log do not make up a log. */
public final class CorruptLogException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public CorruptLogException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
