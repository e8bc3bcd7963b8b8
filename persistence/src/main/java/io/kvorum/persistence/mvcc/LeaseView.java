package io.kvorum.persistence.mvcc;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.LogPosition;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The leases as one committed batch left them. Any thread; must be closed, as it keeps LevelDB from
 * dropping what it sees. Reads block on the disk.
 */
public interface LeaseView extends AutoCloseable {

  /** The newest log entry whose effects it holds. */
  LogPosition applied();

  @Nullable StoredLease get(long id);

  /** Every lease, in no order that means anything. */
  void forEach(Consumer<StoredLease> sink);

  /** The keys attached to a lease, ascending; none if there is no such lease. */
  List<ByteString> keys(long id);

  @Override
  void close();
}
