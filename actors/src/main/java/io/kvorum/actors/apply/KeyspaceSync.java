package io.kvorum.actors.apply;

import io.kvorum.persistence.leveldb.StorageException;
import io.kvorum.persistence.mvcc.Keyspace;
import io.kvorum.protocol.LogPosition;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the keyspace durable beside the applier, whose callers would all wait for the disk
 * otherwise. One sync at a time: who asks for the next one waits for it, so that what is applied
 * and not yet durable, and with it the log that must be kept, is at most what comes in during one.
 */
final class KeyspaceSync {
  private static final Logger log = LoggerFactory.getLogger(KeyspaceSync.class);

  private final Keyspace keyspace;
  private final Consumer<LogPosition> durable;
  private final ThreadPoolExecutor thread =
      new ThreadPoolExecutor(
          0,
          1,
          10,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(1),
          Thread.ofPlatform().name("kvorum-keyspace-sync").daemon().factory());

  private CompletableFuture<Void> running = CompletableFuture.completedFuture(null);

  /**
   * @param durable told up to where the keyspace is durable, on the thread of the sync
   */
  KeyspaceSync(Keyspace keyspace, Consumer<LogPosition> durable) {
    this.keyspace = keyspace;
    this.durable = durable;
  }

  /** Begins a sync; waits for the one before. One thread. */
  void begin() {
    running.join();
    running = CompletableFuture.runAsync(this::sync, thread);
  }

  private void sync() {
    try {
      durable.accept(keyspace.sync());
    } catch (StorageException e) {
      log.warn("the keyspace could not be made durable, the log is kept: {}", e.getMessage());
    } catch (IllegalStateException e) {
      log.debug("the keyspace was closed before it could be made durable", e);
    }
  }

  /** Lets the running one end. */
  void close() {
    thread.shutdown();
  }
}
