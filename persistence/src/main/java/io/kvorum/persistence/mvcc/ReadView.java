package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.TxnRequest;
import io.kvorum.protocol.etcdserverpb.TxnResponse;
import io.kvorum.protocol.mvccpb.KeyValue;
import org.jspecify.annotations.Nullable;

/** A consistent view of the keyspace; any thread; close it. */
public interface ReadView extends AutoCloseable {
  long currentRevision();

  long compactedRevision();

  Outcome<RangeResponse.Builder> range(RangeRequest request);

  Outcome<TxnResponse.Builder> readOnlyTxn(TxnRequest request);

  Outcome<History> history(long fromRevision, int maxRevisions, long maxBytes);

  @Nullable KeyValue get(ByteString key, long revision);

  @Override
  void close();
}
