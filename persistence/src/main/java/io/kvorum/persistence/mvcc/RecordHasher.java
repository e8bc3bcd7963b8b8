package io.kvorum.persistence.mvcc;

import io.kvorum.persistence.leveldb.Cursor;
import io.kvorum.persistence.leveldb.LevelDb;
import io.kvorum.persistence.leveldb.LevelDbSnapshot;
import java.util.Arrays;

/**
 * etcd's hash over all records up to a revision, bit for bit (etcd: HashByRev, kvHasher). Of the
 * records up to the compaction at C only those are in it that are live at the revision asked for; a
 * tombstone never is, not even one at C. So it does not matter how far the removals have come.
 *
 * <p>But if no key is live at that revision, etcd takes whatever it has: when its removals are done
 * these are the records that were live at C. Which of the two holds may only be known at the end,
 * so both are hashed as long as they may differ.
 *
 * <p>One walk over the records, and a look-up for each put up to C; holds a record at a time.
 */
final class RecordHasher {

  private final Tables tables;
  private final Cursor walk;
  private final Cursor versions;
  private final long compacted;
  private final long revision;
  private final byte[] end;

  /** With those up to C that are live at the revision. */
  private final RecordChecksum ifAnyLives = RecordChecksum.begin();

  /** With those up to C that are live at C. */
  private final RecordChecksum ifNoneLives = RecordChecksum.begin();

  private boolean anyLives;
  private boolean differ;

  private RecordHasher(Tables tables, Cursor walk, Cursor versions, long compacted, long revision) {
    this.tables = tables;
    this.walk = walk;
    this.versions = versions;
    this.compacted = compacted;
    this.revision = revision;
    this.end = tables.revisionsFrom(revision + 1);
  }

  /**
   * @param compacted the compacted revision, C
   * @param revision neither below C nor above the current one; below 0 for no records at all
   */
  static KeyValueHash hash(
      LevelDb db, Tables tables, LevelDbSnapshot snapshot, long compacted, long revision) {
    if (revision < 0) {
      return new KeyValueHash(RecordChecksum.begin().value(), revision, compacted);
    }
    try (Cursor walk = db.cursor(snapshot, false);
        Cursor versions = db.cursor(snapshot, false)) {
      int hash = new RecordHasher(tables, walk, versions, compacted, revision).hash();
      return new KeyValueHash(hash, revision, compacted);
    }
  }

  private int hash() {
    for (walk.seek(tables.revisionsFrom(0)); atRecord(); walk.next()) {
      byte[] row = walk.key();
      byte[] record = walk.value();
      if (Tables.mainOfRevision(row) > compacted) {
        ifAnyLives.add(row, record);
        ifNoneLives.add(row, record);
      } else if (!Tables.isTombstoneRevision(row)) {
        addOld(row, record);
      }
    }
    return !differ || anyLives || anyWrittenLives() ? ifAnyLives.value() : ifNoneLives.value();
  }

  private boolean atRecord() {
    return walk.valid() && Arrays.compareUnsigned(walk.key(), end) < 0;
  }

  private void addOld(byte[] row, byte[] record) {
    if (isNewest(row, record, revision)) {
      anyLives = true;
      ifAnyLives.add(row, record);
      ifNoneLives.add(row, record);
    } else if (!anyLives && isNewest(row, record, compacted)) {
      differ = true;
      ifNoneLives.add(row, record);
    }
  }

  /** Whether any key lives whose newest record is above C. */
  private boolean anyWrittenLives() {
    for (walk.seek(tables.revisionsFrom(compacted + 1)); atRecord(); walk.next()) {
      if (!Tables.isTombstoneRevision(walk.key()) && isNewest(walk.key(), walk.value(), revision)) {
        return true;
      }
    }
    return false;
  }

  /** Whether a put is the newest version of its key that is not above a revision. */
  private boolean isNewest(byte[] row, byte[] record, long at) {
    byte[] key = RecordCodec.decode(record).getKey().toByteArray();
    versions.seek(tables.versionsOf(key, at));
    return versions.valid()
        && Arrays.equals(
            versions.key(),
            tables.version(key, Tables.mainOfRevision(row), Tables.subOfRevision(row), false));
  }
}
