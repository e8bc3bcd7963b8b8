package io.kvorum.deploy;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Threads for reads of the keyspace, which may wait for the disk. */
final class ReadPool {
  /**
   * Reads that may wait for a thread; beyond, they are rejected, which clients see as {@code too
   * many requests}.
   */
  static final int MAX_QUEUED = 1 << 16;

  private ReadPool() {}

  /**
   * @param threads 0 for twice the number of processors
   */
  static ThreadPoolExecutor create(int threads) {
    int size = threads > 0 ? threads : 2 * Runtime.getRuntime().availableProcessors();
    AtomicInteger number = new AtomicInteger();
    return new ThreadPoolExecutor(
        size,
        size,
        0,
        TimeUnit.SECONDS,
        new LinkedBlockingQueue<>(MAX_QUEUED),
        task -> {
          Thread thread = new Thread(task, "kvorum-read-" + number.incrementAndGet());
          thread.setDaemon(true);
          return thread;
        });
  }
}
