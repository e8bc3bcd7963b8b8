package io.kvorum.persistence.snapshot;

/**
 * A snapshot cannot be used: it is damaged, of a later version, or of another cluster. The message
 * says which.
 */
public final class SnapshotException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  SnapshotException(String message) {
    super(message);
  }

  SnapshotException(String message, Throwable cause) {
    super(message, cause);
  }
}
