package io.kvorum.persistence.leveldb;

/** What opening does about log files that do not hold all that was written to them. */
public enum Recovery {
  /**
   * For a database whose every write is synced. Only the last write can be incomplete, and nobody
   * was told of its success: a damaged tail is cut, unless it is known to have been synced. Damage
   * with valid records behind it is a fault of the disk: opening is refused. So it is where any
   * table is damaged.
   */
  REFUSE_LOSS(
      TableFile.Extent.EVERYTHING,
      "A member of a cluster must not go on with this log, as it may have forgotten what it voted"
          + " for: 'etcdctl member remove' it, remove its data directory, 'etcdctl member add' it and"
          + " let it join again. For a single node: restore the data directory from a snapshot or a"
          + " backup"),

  /**
   * For a database written without sync, whose content can be rebuilt from somewhere. After a loss
   * of power any part of the unsynced logs may be missing while later parts are there: everything
   * from the first gap on is cut, so that what remains is exactly what some earlier moment held. Of
   * tables only the indexes are looked at, and the rest when it is read.
   */
  KEEP_PREFIX(
      TableFile.Extent.INDEX,
      "With the server stopped, 'etcdctl --endpoints=ANOTHER_MEMBER snapshot save FILE' and"
          + " 'kvorumutl member rebuild --data-dir=DIR --from=FILE' build the keyspace of a cluster's"
          + " member anew; that of a single node, from its newest snapshot. Or restore the data"
          + " directory whole from a backup, or remove the member and let it join again");

  private final TableFile.Extent checkedOfTables;
  private final String whatToDo;

  Recovery(TableFile.Extent checkedOfTables, String whatToDo) {
    this.checkedOfTables = checkedOfTables;
    this.whatToDo = whatToDo;
  }

  TableFile.Extent checkedOfTables() {
    return checkedOfTables;
  }

  /** What an operator does about damage in such a database: a sentence without its full stop. */
  public String whatToDo() {
    return whatToDo;
  }
}
