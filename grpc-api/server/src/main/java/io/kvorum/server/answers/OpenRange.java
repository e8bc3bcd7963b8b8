package io.kvorum.server.answers;

import io.grpc.Status;
import io.kvorum.actors.group.Group;
import io.kvorum.persistence.mvcc.AnswerBuffer;
import io.kvorum.persistence.mvcc.RangePosition;
import io.kvorum.persistence.mvcc.RangeWalk;
import io.kvorum.persistence.mvcc.ReadView;
import io.kvorum.protocol.EtcdError;
import io.kvorum.protocol.Outcome;
import io.kvorum.protocol.etcdserverpb.RangeRequest;
import io.kvorum.server.grpc.RpcFailure;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A range in key order that is read over some time. The view it reads keeps LevelDB from dropping
 * what was replaced since, so it is held for {@link #HELD_NANOS} at most, and after that the walk
 * goes on, at the same revision, over the newest one. As with etcd it ends with the compacted error
 * when a compaction passes its revision. Steps by one thread at a time; closing by any.
 */
final class OpenRange {
  /** How long a view is held. A read at an older revision costs about four times as much. */
  static final long HELD_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** A view of its own and a walk on it. */
  private record Reading(ReadView view, RangeWalk walk, long sinceNanos) {
    void close() {
      walk.close();
      view.close();
    }
  }

  private final Group group;
  private final RangeRequest request;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Reading reading;
  private RangePosition position;
  private volatile boolean closed;

  private OpenRange(Group group, RangeRequest request, RangePosition at) {
    this.group = group;
    this.request = request;
    this.position = at;
  }

  /** Begins at the newest view; on a read thread. */
  static Outcome<OpenRange> open(Group group, RangeRequest request) {
    ReadView view = group.view();
    boolean opened = false;
    try {
      Outcome<OpenRange> outcome =
          view.walk(request)
              .map(
                  walk -> {
                    OpenRange range = new OpenRange(group, request, walk.position());
                    range.reading = new Reading(view, walk, System.nanoTime());
                    return range;
                  });
      opened = outcome instanceof Outcome.Ok;
      return outcome;
    } finally {
      if (!opened) {
        view.close();
      }
    }
  }

  /** The same range from a position of it on. */
  OpenRange from(RangePosition start) {
    return new OpenRange(group, request, start);
  }

  /** A step of the walk. */
  interface Step<T> {
    T on(RangeWalk walk);
  }

  /**
   * Does a step.
   *
   * @throws RpcFailure as compacted, or as cancelled if it is closed
   */
  <T> T step(Step<T> step) {
    lock.lock();
    try {
      Reading current = readable();
      T result = step.on(current.walk());
      position = current.walk().position();
      return result;
    } finally {
      unlock();
    }
  }

  boolean write(AnswerBuffer out, long maxRecords, int fullBytes, long untilNanos) {
    return step(walk -> walk.write(out, maxRecords, fullBytes, untilNanos));
  }

  boolean pass(long untilNanos) {
    return step(walk -> walk.pass(untilNanos));
  }

  boolean count(long untilNanos) {
    return step(walk -> walk.count(untilNanos));
  }

  RangePosition position() {
    return position;
  }

  private Reading readable() {
    if (closed) {
      throw new RpcFailure(Status.CANCELLED);
    }
    Reading current = reading;
    if (current != null && System.nanoTime() - current.sinceNanos() < HELD_NANOS) {
      requireNotCompacted();
      return current;
    }
    drop();
    ReadView view = group.view();
    RangeWalk walk;
    try {
      walk = orFail(view.walkOn(request, position));
    } catch (RuntimeException e) {
      view.close();
      throw e;
    }
    current = new Reading(view, walk, System.nanoTime());
    reading = current;
    return current;
  }

  private void requireNotCompacted() {
    try (ReadView newest = group.view()) {
      if (position.revision() < newest.compactedRevision()) {
        throw new RpcFailure(EtcdError.COMPACTED.status());
      }
    }
  }

  private static <T> T orFail(Outcome<T> outcome) {
    return switch (outcome) {
      case Outcome.Ok<T>(var value) -> value;
      case Outcome.Refused<T>(var error) -> throw new RpcFailure(error.status());
    };
  }

  private void drop() {
    Reading current = reading;
    reading = null;
    if (current != null) {
      current.close();
    }
  }

  /** Lets go of a view that was held long enough, unless a step is under way. */
  void dropIfOld(long nowNanos) {
    if (lock.tryLock()) {
      try {
        Reading current = reading;
        if (current != null && nowNanos - current.sinceNanos() >= HELD_NANOS) {
          drop();
        }
      } finally {
        unlock();
      }
    }
  }

  /** For good; a step under way ends first, and nobody waits for it. */
  void close() {
    closed = true;
    if (lock.tryLock()) {
      unlock();
    }
  }

  /** Whoever leaves last after the closing does the closing. */
  private void unlock() {
    if (closed) {
      drop();
    }
    lock.unlock();
    if (closed && lock.tryLock()) {
      try {
        drop();
      } finally {
        lock.unlock();
      }
    }
  }
}
