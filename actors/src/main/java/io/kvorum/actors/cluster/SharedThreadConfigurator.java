package io.kvorum.actors.cluster;

import com.typesafe.config.Config;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.dispatch.DispatcherPrerequisites;
import org.apache.pekko.dispatch.ExecutorServiceConfigurator;
import org.apache.pekko.dispatch.ExecutorServiceFactory;
import org.apache.pekko.dispatch.MonitorableThreadFactory;

/**
 * The executor of a dispatcher with one thread, which dispatchers of several actor systems in one
 * process share if {@code kvorum.raft-thread} gives it a name. A message between the replica and
 * the peers' connections then needs no waking up of another thread. Without a name each dispatcher
 * has a thread of its own. The thread ends with the last of its dispatchers.
 */
public final class SharedThreadConfigurator extends ExecutorServiceConfigurator {
  private static final Map<String, SharedThread> THREADS = new HashMap<>();

  private final String name;

  public SharedThreadConfigurator(Config config, DispatcherPrerequisites prerequisites) {
    super(config, prerequisites);
    name = prerequisites.settings().config().getString("kvorum.raft-thread");
  }

  @Override
  public ExecutorServiceFactory createExecutorServiceFactory(
      String id, ThreadFactory threadFactory) {
    if (name.isEmpty()) {
      return () -> oneThread(threadFactory);
    }
    ThreadFactory named =
        threadFactory instanceof MonitorableThreadFactory pekko
            ? pekko.withName(name)
            : threadFactory;
    return () -> new User(acquire(named));
  }

  /** Its queue is not bounded by itself: it holds the mailboxes that have work, each once. */
  private static ExecutorService oneThread(ThreadFactory threads) {
    return new ThreadPoolExecutor(1, 1, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), threads);
  }

  private SharedThread acquire(ThreadFactory threads) {
    synchronized (THREADS) {
      SharedThread shared =
          THREADS.computeIfAbsent(name, unused -> new SharedThread(oneThread(threads)));
      shared.users++;
      return shared;
    }
  }

  private void release(SharedThread shared) {
    synchronized (THREADS) {
      shared.users--;
      if (shared.users == 0) {
        THREADS.remove(name, shared);
        shared.executor.shutdown();
      }
    }
  }

  private static final class SharedThread {
    private final ExecutorService executor;
    private int users;

    SharedThread(ExecutorService executor) {
      this.executor = executor;
    }
  }

  /** One dispatcher's part in the thread. */
  private final class User extends AbstractExecutorService {
    private final SharedThread shared;
    private volatile boolean shutdown;

    User(SharedThread shared) {
      this.shared = shared;
    }

    @Override
    public void execute(Runnable task) {
      if (shutdown) {
        throw new RejectedExecutionException("shut down");
      }
      shared.executor.execute(task);
    }

    @Override
    public void shutdown() {
      synchronized (THREADS) {
        if (!shutdown) {
          shutdown = true;
          release(shared);
        }
      }
    }

    /** What was handed in is still run, as nobody can tell it from the others' tasks. */
    @Override
    public List<Runnable> shutdownNow() {
      shutdown();
      return List.of();
    }

    @Override
    public boolean isShutdown() {
      return shutdown;
    }

    @Override
    public boolean isTerminated() {
      return shutdown;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
      return shutdown;
    }
  }
}
