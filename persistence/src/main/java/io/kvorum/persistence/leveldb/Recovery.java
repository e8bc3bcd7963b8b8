package io.kvorum.persistence.leveldb;

/** What opening does about log files that do not hold all that was written to them. */
public enum Recovery {
  /**
   * For a database whose every write is synced. Only the last write can be incomplete, and nobody
   * was told of its success: a damaged tail is cut. Damage with valid records behind it is a fault
   * of the disk: opening is refused.
   */
  REFUSE_LOSS,

  /**
   * For a database written without sync, whose content can be rebuilt from somewhere. After a loss
   * of power any part of the unsynced logs may be missing while later parts are there: everything
   * from the first gap on is cut, so that what remains is exactly what some earlier moment held.
   */
  KEEP_PREFIX
}
