package io.kvorum.actors.watch;

import io.kvorum.persistence.mvcc.RevisionEvents;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * The applier's way to the hub. Never waits, and bounds what waits for the hub: when watchers are
 * so many that the hub is slower than the writers, events are left out, the hub hears only how far,
 * and the watchers read them from history. Used by one thread, after each commit, in order.
 */
public final class WatchPublisher {
  private static final long NONE = 0;

  private final Consumer<WatchHub.Message> hub;
  private final long backlogBytesMax;
  private final AtomicLong backlogBytes = new AtomicLong();
  private final AtomicLong skippedTo = new AtomicLong(NONE);

  /**
   * @param hub takes messages at once, in order
   */
  public WatchPublisher(Consumer<WatchHub.Message> hub, WatchHub.Settings settings) {
    this.hub = hub;
    this.backlogBytesMax = settings.backlogBytes();
  }

  /** Hands over what a commit has changed; the list is not to be modified later. */
  public void publish(List<RevisionEvents> revisions) {
    if (revisions.isEmpty()) {
      return;
    }
    if (backlogBytes.get() < backlogBytesMax) {
      long bytes = 0;
      for (var revision : revisions) {
        bytes += RevisionEntry.bytes(revision.events());
      }
      backlogBytes.addAndGet(bytes);
      hub.accept(new PublisherMessage.Offered(this, revisions, bytes));
    } else if (skippedTo.getAndSet(revisions.getLast().revision()) == NONE) {
      hub.accept(new PublisherMessage.Skipped(this));
    }
  }

  /** The keyspace was replaced by one at this revision; watchers find the way there in history. */
  public void jump(long currentRevision) {
    hub.accept(new WatchHub.Jump(currentRevision));
  }

  /** The hub only. */
  void taken(long bytes) {
    backlogBytes.addAndGet(-bytes);
  }

  /** The hub only: the newest revision that was left out. It may be newer than what comes next. */
  long takeSkipped() {
    return skippedTo.getAndSet(NONE);
  }
}
