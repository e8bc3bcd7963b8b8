package io.kvorum.persistence.mvcc;

import io.kvorum.protocol.LogPosition;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * How the newest hash of a {@link RevisionChain} is stored, in the same LevelDB batch as the
 * revisions that it covers. Snapshots carry it along. It stands apart from the other accounts, as
 * versions that know nothing of it read those.
 */
final class ChainRow {
  static final String NAME = "chain";

  private static final byte FORM = RevisionDigest.FORM;
  private static final int BYTES = 1 + 3 * Long.BYTES;

  private ChainRow() {}

  static byte[] encode(long origin, long revision, long hash) {
    return ByteBuffer.allocate(BYTES)
        .put(FORM)
        .putLong(origin)
        .putLong(revision)
        .putLong(hash)
        .array();
  }

  /**
   * Where the chain of a store goes on. It begins anew, at the newest revision, in a store that has
   * none, and in one that a version without this row has written since: that version's revisions
   * are not in it.
   */
  static RevisionChain.Head head(byte @Nullable [] stored, LogPosition applied, long revision) {
    if (stored != null && stored.length == BYTES && stored[0] == FORM) {
      ByteBuffer in = ByteBuffer.wrap(stored, 1, BYTES - 1);
      long origin = in.getLong();
      if (in.getLong() == revision) {
        return new RevisionChain.Head(applied.index(), origin, revision, in.getLong());
      }
    }
    return new RevisionChain.Head(applied.index(), revision, revision, 0);
  }
}
