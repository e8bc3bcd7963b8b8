package io.kvorum.persistence.leveldb;

import org.jspecify.annotations.Nullable;

/** A disk fault or a refused directory. The message names the path and says what to do. */
public class StorageException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** What kind of trouble it is, for those who react and do not only report. */
  public enum Reason {
    /** Another process, or another part of this one, has the directory open. */
    LOCKED,
    READ_ONLY,
    /** Too little free space. Nothing was written; a later attempt may succeed. */
    FULL,
    CORRUPT,
    NOT_A_DIRECTORY,
    /**
     * A read or write failed for another cause; what a failed write left on the disk is unknown.
     */
    IO
  }

  private final Reason reason;

  public StorageException(Reason reason, String message) {
    this(reason, message, null);
  }

  public StorageException(Reason reason, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
