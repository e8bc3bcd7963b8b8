package io.kvorum.persistence.bbolt;

import java.nio.file.Path;

/** A bbolt file cannot be read: it is none, it is damaged, or the disk refuses. */
public final class BoltException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  BoltException(Path file, String what) {
    super(file + " " + what);
  }

  BoltException(Path file, String what, Throwable cause) {
    super(file + " " + what, cause);
  }

  static BoltException ofPage(Path file, long page, String what) {
    return new BoltException(file, "is damaged: page " + page + " " + what);
  }
}
