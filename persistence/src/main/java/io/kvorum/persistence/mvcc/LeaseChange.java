package io.kvorum.persistence.mvcc;

/** What a log entry did to a lease. */
public sealed interface LeaseChange {
  long id();

  record Granted(StoredLease lease) implements LeaseChange {
    @Override
    public long id() {
      return lease.id();
    }
  }

  /** It is gone, and its keys with it: by request, or because its time was up. */
  record Revoked(long id) implements LeaseChange {}

  /** What is left of it was logged, or, with 0, that it was renewed since. */
  record Checkpointed(long id, long remainingSeconds) implements LeaseChange {}
}
