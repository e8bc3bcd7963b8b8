package io.kvorum.server;

import com.google.protobuf.ByteString;
import io.kvorum.protocol.etcdserverpb.RangeResponse;
import io.kvorum.protocol.etcdserverpb.WatchResponse;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import org.apache.pekko.Done;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.KillSwitches;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.UniqueKillSwitch;
import org.apache.pekko.stream.javadsl.Keep;
import org.apache.pekko.stream.javadsl.Sink;
import org.jspecify.annotations.Nullable;

/**
 * One {@link KeyLine} for each prefix below which calls on this member wait: read once, then
 * followed by one watch for all of them, so that a turn is passed on without the keys being read
 * again. etcd's recipe reads them each time.
 *
 * <p>Safe for any thread. Callers go on where the event is seen.
 */
final class KeyLines {
  private final KeyQueue queue;
  private final Materializer materializer;
  private final ConcurrentHashMap<ByteString, Followed> lines = new ConcurrentHashMap<>();

  KeyLines(KeyQueue queue, Materializer materializer) {
    this.queue = queue;
    this.materializer = materializer;
  }

  /**
   * @see KeyQueue#awaitTurn
   */
  CompletionStage<Turn.Came> await(ByteString prefix, ByteString key, long created, Turn turn) {
    while (true) {
      Followed line = lines.computeIfAbsent(prefix, Followed::new);
      CompletionStage<Turn.Came> came = line.join(key, created, turn);
      if (came != null) {
        return came;
      }
      // It ended between the two calls, and ends by leaving the map.
      Thread.onSpinWait();
    }
  }

  /**
   * This member has applied a deletion. Whoever waits for it here need not wait for the watch to
   * tell.
   *
   * @param prefix below which the key stands
   */
  void deleted(ByteString prefix, ByteString key, long revision) {
    Followed line = lines.get(prefix);
    if (line != null) {
      line.deleted(key, revision);
    }
  }

  /** How many prefixes somebody waits below. */
  int size() {
    return lines.size();
  }

  /** A line that is kept up to date while somebody waits in it. */
  private final class Followed {
    private final ByteString prefix;
    private final KeyLine line = new KeyLine();
    private final Map<KeyLine.Waiter, CompletableFuture<Turn.Came>> waiting = new HashMap<>();

    /** Reads and watches are numbered; what an earlier one still brings is not wanted. */
    private long current;

    private boolean reading;
    private boolean over;
    private @Nullable UniqueKillSwitch watch;

    private Followed(ByteString prefix) {
      this.prefix = prefix;
    }

    /** Null if the line has ended. */
    private @Nullable CompletionStage<Turn.Came> join(ByteString key, long created, Turn turn) {
      CompletableFuture<Turn.Came> came = new CompletableFuture<>();
      KeyLine.Waiter waiter;
      long toRead = 0;
      synchronized (this) {
        if (over) {
          return null;
        }
        waiter = line.join(key, created);
        if (current == 0) {
          toRead = beginReading();
        } else if (!reading && line.pass().contains(waiter)) {
          // The line may be ahead in what has gone, and behind in whether the own key has.
          return CompletableFuture.completedFuture(Turn.Came.AFTER_WAITING);
        }
        waiting.put(waiter, came);
      }
      if (toRead > 0) {
        read(toRead);
      }
      turn.waits(() -> leave(waiter));
      return came;
    }

    private void leave(KeyLine.Waiter waiter) {
      CompletableFuture<Turn.Came> came;
      synchronized (this) {
        came = waiting.remove(waiter);
        if (came == null) {
          return;
        }
        line.leave(waiter);
        endIfUnused();
      }
      came.complete(Turn.Came.NEVER);
    }

    /** With the lock held. */
    private void endIfUnused() {
      if (!line.hasWaiters() && !over) {
        over = true;
        stopWatching();
        lines.remove(prefix, this);
      }
    }

    /** With the lock held. */
    private void stopWatching() {
      UniqueKillSwitch running = watch;
      watch = null;
      if (running != null) {
        running.shutdown();
      }
    }

    /** With the lock held. */
    private long beginReading() {
      stopWatching();
      reading = true;
      return ++current;
    }

    private void read(long number) {
      boolean first = number == 1;
      CompletionStage<RangeResponse> oldest;
      try {
        oldest =
            queue.localRange(KeyQueue.oldest(prefix).setKeysOnly(true).setLimit(line.maxKeys()));
      } catch (RejectedExecutionException tooBusy) {
        fail(number, tooBusy);
        return;
      }
      oldest.whenComplete(
          (range, failure) -> {
            if (failure == null) {
              begin(number, first, range);
            } else {
              fail(number, failure);
            }
          });
    }

    private void begin(long number, boolean first, RangeResponse range) {
      long revision = range.getHeader().getRevision();
      Map<CompletableFuture<Turn.Came>, Turn.Came> passed;
      synchronized (this) {
        if (over || number != current) {
          return;
        }
        reading = false;
        line.read(range.getKvsList(), range.getMore(), revision);
        passed = pass(first);
        endIfUnused();
        if (!over) {
          watch(number, revision + 1);
        }
      }
      passed.forEach(CompletableFuture::complete);
    }

    /**
     * With the lock held.
     *
     * @param justRead the line is the state of one revision
     */
    private Map<CompletableFuture<Turn.Came>, Turn.Came> pass(boolean justRead) {
      List<KeyLine.Waiter> passed = line.pass();
      if (passed.isEmpty()) {
        return Map.of();
      }
      Map<CompletableFuture<Turn.Came>, Turn.Came> turns = new HashMap<>();
      for (KeyLine.Waiter waiter : passed) {
        CompletableFuture<Turn.Came> came = waiting.remove(waiter);
        if (came != null) {
          boolean atOnce = justRead && line.holds(waiter);
          turns.put(came, atOnce ? Turn.Came.AT_ONCE : Turn.Came.AFTER_WAITING);
        }
      }
      return turns;
    }

    /** With the lock held. */
    private void watch(long number, long fromRevision) {
      Pair<UniqueKillSwitch, CompletionStage<Done>> running =
          queue
              .watch(prefix, true, fromRevision)
              .viaMat(KillSwitches.single(), Keep.right())
              .toMat(Sink.foreach(response -> changed(number, response)), Keep.both())
              .run(materializer);
      watch = running.first();
      running
          .second()
          .whenComplete(
              (done, failure) -> {
                if (failure == null) {
                  readAgain(number);
                } else {
                  fail(number, failure);
                }
              });
    }

    private void changed(long number, WatchResponse response) {
      // Such as behind a compaction.
      if (response.getCanceled()) {
        readAgain(number);
        return;
      }
      advance(number, () -> response.getEventsList().forEach(line::change));
    }

    private void deleted(ByteString key, long revision) {
      long number;
      synchronized (this) {
        if (reading) {
          return;
        }
        number = current;
      }
      advance(number, () -> line.gone(key, revision));
    }

    private void advance(long number, Runnable change) {
      Map<CompletableFuture<Turn.Came>, Turn.Came> passed;
      boolean exhausted;
      synchronized (this) {
        if (over || number != current) {
          return;
        }
        change.run();
        passed = pass(false);
        endIfUnused();
        exhausted = !over && line.isExhausted();
      }
      passed.forEach(CompletableFuture::complete);
      if (exhausted) {
        readAgain(number);
      }
    }

    private void readAgain(long number) {
      long toRead;
      synchronized (this) {
        if (over || number != current) {
          return;
        }
        toRead = beginReading();
      }
      read(toRead);
    }

    private void fail(long number, Throwable failure) {
      List<CompletableFuture<Turn.Came>> failed;
      synchronized (this) {
        if (over || number != current) {
          return;
        }
        failed = List.copyOf(waiting.values());
        waiting.clear();
        over = true;
        stopWatching();
        lines.remove(prefix, this);
      }
      Throwable cause =
          failure instanceof CompletionException && failure.getCause() != null
              ? failure.getCause()
              : failure;
      failed.forEach(came -> came.completeExceptionally(cause));
    }
  }
}
