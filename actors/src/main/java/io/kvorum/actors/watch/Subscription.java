package io.kvorum.actors.watch;

/**
 * A level watcher's claim on the hub: all matching events from {@code fromRevision} on. A class,
 * because it is told from a later one of the same watcher by identity.
 */
final class Subscription {
  private final Watcher watcher;
  private final long fromRevision;

  Subscription(Watcher watcher, long fromRevision) {
    this.watcher = watcher;
    this.fromRevision = fromRevision;
  }

  Watcher watcher() {
    return watcher;
  }

  long fromRevision() {
    return fromRevision;
  }
}
