package io.kvorum.deploy;

import java.util.concurrent.CompletionException;

/** The member must not or cannot start; the message says why and what to do. */
final class StartException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  StartException(String message, Throwable cause) {
    super(message, cause);
  }

  /** Looks through the wrappings of asynchronous calls. */
  static StartException of(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return new StartException(String.valueOf(cause.getMessage()), cause);
  }
}
