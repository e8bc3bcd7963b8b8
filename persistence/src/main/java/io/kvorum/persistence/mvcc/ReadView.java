package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import io.kvorum.protocol.mvccpb.KeyValue;
import org.jspecify.annotations.Nullable;

/**
 * The keyspace as one committed batch left it, whatever is written later. Any thread may read; it
 * must be closed, as it keeps LevelDB from dropping what it sees. Reads block on the disk.
 */
public interface ReadView extends AutoCloseable {

  long currentRevision();

  /** -1 before the first compaction. */
  long compactedRevision();

  /**
   * Of the response's header only the revision is set, and that is the current one, whichever was
   * asked for.
   */
  Outcome<RangeResponse.Builder> range(RangeRequest request);

  /** Evaluates a transaction whose both branches hold only ranges. */
  Outcome<TxnResponse.Builder> readOnlyTxn(TxnRequest request);

  /**
   * Events from a revision on, until either limit is reached; at least one revision if there is
   * any, and never a part of one. Refused as compacted below the compacted revision. From a
   * revision in the future: none.
   */
  Outcome<History> history(long fromRevision, int maxRevisions, long maxBytes);

  /**
   * The record of a key at a revision, the newest if that is 0 or not below the current one. Null
   * if the key was not live, or if the revision is compacted.
   */
  @Nullable KeyValue get(ByteString key, long revision);

  @Override
  void close();
}
