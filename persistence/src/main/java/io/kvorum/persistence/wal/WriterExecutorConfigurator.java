package io.kvorum.persistence.wal;

import com.typesafe.config.Config;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.dispatch.DispatcherPrerequisites;
import org.apache.pekko.dispatch.ExecutorServiceConfigurator;
import org.apache.pekko.dispatch.ExecutorServiceFactory;
import org.apache.pekko.dispatch.MonitorableThreadFactory;

/**
 * The one thread of the writer. Its queue is not bounded by itself: it holds the mailboxes that
 * have work, of which there is one, and the answers to writes, of which each persistent actor has
 * one on the way.
 */
public final class WriterExecutorConfigurator extends ExecutorServiceConfigurator {

  private static final String THREAD = "kvorum-wal-writer";

  public WriterExecutorConfigurator(Config config, DispatcherPrerequisites prerequisites) {
    super(config, prerequisites);
  }

  @Override
  public ExecutorServiceFactory createExecutorServiceFactory(
      String id, ThreadFactory threadFactory) {
    ThreadFactory named =
        threadFactory instanceof MonitorableThreadFactory pekko
            ? pekko.withName(THREAD)
            : threadFactory;
    return new Factory(named);
  }

  private record Factory(ThreadFactory threads) implements ExecutorServiceFactory {
    @Override
    public ExecutorService createExecutorService() {
      return new ThreadPoolExecutor(
          1, 1, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), threads);
    }
  }
}
