package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.mvccpb.KeyValue;
import org.jspecify.annotations.Nullable;

/** The keyspace as one reader sees it: a committed view, or a batch that sees its own writes. */
interface Keys {

  /** In place of a revision: the newest state. */
  long NEWEST = 0;

  /**
   * What the header of a read says. In a transaction that has changed something: the revision of
   * its changes.
   */
  long currentRevision();

  /** -1 before the first compaction. */
  long compactedRevision();

  long liveKeys();

  /**
   * The record of a key at a revision that is neither compacted nor in the future, or at {@link
   * #NEWEST}.
   */
  @Nullable KeyValue get(byte[] key, long revision);

  /** The live keys of an interval that is not a single key; same revisions as {@link #get}. */
  Scan scan(Interval interval, long revision);
}
