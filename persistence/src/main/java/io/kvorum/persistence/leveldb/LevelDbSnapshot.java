package io.kvorum.persistence.leveldb;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The content at one moment. Shared by any number of threads; reads that run when it is closed
 * finish first.
 */
public final class LevelDbSnapshot implements AutoCloseable {
  private final LevelDb owner;
  private final Engine.View raw;

  /** Users, one of which is the creator until it closes. At zero the raw snapshot goes. */
  private final AtomicInteger users = new AtomicInteger(1);

  private final AtomicBoolean closed = new AtomicBoolean();
  private final AtomicBoolean rawReleased = new AtomicBoolean();

  LevelDbSnapshot(LevelDb owner, Engine.View raw) {
    this.owner = owner;
    this.raw = raw;
  }

  /** For one user more, who is to {@link #release} it. */
  Engine.View acquire(LevelDb db) {
    if (db != owner) {
      throw new IllegalArgumentException(
          "snapshot belongs to " + owner.directory() + ", not to " + db.directory());
    }
    if (users.getAndUpdate(n -> n == 0 ? 0 : n + 1) == 0) {
      throw new IllegalStateException("snapshot is closed");
    }
    return raw;
  }

  void release() {
    if (users.decrementAndGet() == 0) {
      owner.forget(this);
    }
  }

  /** Only while the database cannot be closed meanwhile, or by its own close. */
  void releaseRaw() {
    if (rawReleased.compareAndSet(false, true)) {
      raw.release();
    }
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      release();
    }
  }
}
