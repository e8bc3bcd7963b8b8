package io.kvorum.persistence.mvcc;

/**
 * What a row of a {@link KeyspaceExport} is, for who looks into one without making a keyspace of
 * it.
 *
 * @param name in {@link Kind#META}, under which its owner keeps it; else empty
 */
public record SnapshotRow(Kind kind, String name) {

  /** As far as there is something to tell. */
  public enum Kind {
    /** The newest record of a live key. */
    CURRENT,
    /** What an owner keeps beside the data. */
    META,
    /** How far the member has come. */
    STATE,
    OTHER
  }

  /**
   * @throws IllegalArgumentException if it is no row's key
   */
  public static SnapshotRow of(byte[] key) {
    if (key.length < Tables.prefixBytes()) {
      throw new IllegalArgumentException("a row's key of " + key.length + " bytes");
    }
    if (Tables.isCurrent(key)) {
      return new SnapshotRow(Kind.CURRENT, "");
    }
    if (Tables.isMeta(key)) {
      return new SnapshotRow(Kind.META, Tables.nameIn(key));
    }
    return new SnapshotRow(Tables.isState(key) ? Kind.STATE : Kind.OTHER, "");
  }
}
