package io.kvorum.kvorumutl;

/** A command cannot or must not be done; the message tells the operator why and what to do. */
final class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  RefusedException(String message) {
    super(message);
  }

  RefusedException(String message, Throwable cause) {
    super(message, cause);
  }
}
