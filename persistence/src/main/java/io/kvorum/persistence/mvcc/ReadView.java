package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.EtcdError;
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

  /** The most that one answer should hold in memory as messages; follows the heap. */
  static long maxAnswerBytes() {
    return AnswerAllowance.maxBytes();
  }

  /**
   * Of the response's header only the revision is set, and that is the current one, whichever was
   * asked for.
   *
   * @param maxBytes of records that it may hold at a time; refused with {@link
   *     EtcdError#ANSWER_TOO_LARGE} if it had to hold more
   */
  Outcome<RangeResponse.Builder> range(RangeRequest request, long maxBytes);

  /** The same, with {@link #maxAnswerBytes}. */
  default Outcome<RangeResponse.Builder> range(RangeRequest request) {
    return range(request, maxAnswerBytes());
  }

  /** Whether {@link #walk} can answer a range, which has to be in the order of keys. */
  static boolean isInKeyOrder(RangeRequest request) {
    return RangeEvaluator.isInKeyOrder(request);
  }

  /**
   * The same range step by step, if it is in key order. A single key is a range like any other.
   *
   * @return to be closed, before the view
   */
  Outcome<RangeWalk> walk(RangeRequest request);

  /**
   * Goes on with a walk that was begun over this view or an older one; refused as compacted if its
   * revision meanwhile is.
   */
  Outcome<RangeWalk> walkOn(RangeRequest request, RangePosition from);

  /**
   * Evaluates a transaction whose both branches hold only ranges.
   *
   * @param maxBytes of records in all, as for {@link #range}
   */
  Outcome<TxnResponse.Builder> readOnlyTxn(TxnRequest request, long maxBytes);

  /** The same, with {@link #maxAnswerBytes}. */
  default Outcome<TxnResponse.Builder> readOnlyTxn(TxnRequest request) {
    return readOnlyTxn(request, maxAnswerBytes());
  }

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
