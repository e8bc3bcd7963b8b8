package io.kvorum.actors.apply;

import com.google.protobuf.MessageLite;
import io.kvorum.persistence.mvcc.ApplyBatch;

/**
 * State that is replicated beside the keys: a row of its own in the keyspace, written in the same
 * batch as the effects of the entries that change it, and so part of every snapshot. The applier
 * changes it; any thread reads it.
 */
public abstract class StoredState<T extends MessageLite> {
  private final String metaKey;
  private volatile T current;

  /** What the keyspace holds; the applier's thread only. */
  private T stored;

  StoredState(String metaKey, T stored) {
    this.metaKey = metaKey;
    this.stored = stored;
    this.current = stored;
  }

  /** As the newest applied entry left it; never changed, but replaced by another one. */
  public final T get() {
    return current;
  }

  /** Changes it, for the entries to come and for readers; kept when the batch is. */
  final void set(T next) {
    current = next;
  }

  /** Whether the batch under way has changed it. */
  final boolean changed() {
    return current != stored;
  }

  /** Adds it to the batch, if that has changed it. */
  final void writeTo(ApplyBatch batch) {
    if (changed()) {
      batch.putMeta(metaKey, current.toByteArray());
    }
  }

  /** The batch is in the keyspace. */
  final void written() {
    stored = current;
  }

  /** The batch could not be written: what it changed is taken back. */
  final void takeBack() {
    current = stored;
  }

  /** The keyspace was replaced, and holds this. */
  final void replace(T installed) {
    stored = installed;
    current = installed;
  }
}
