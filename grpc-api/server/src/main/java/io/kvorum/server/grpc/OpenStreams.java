package io.kvorum.server.grpc;

import io.grpc.Status;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The streaming calls now open, so that the server can end them. */
public final class OpenStreams {
  /** A streaming call as others see it. Any thread. */
  static final class Handle {
    private final boolean requiresLeader;
    private @Nullable Consumer<Status> end;
    private @Nullable Status early;

    Handle(boolean requiresLeader) {
      this.requiresLeader = requiresLeader;
    }

    /** Ends the call with this status, once; at once, or when its stream has started. */
    void end(Status status) {
      Consumer<Status> running;
      synchronized (this) {
        running = end;
        if (running == null) {
          early = early == null ? status : early;
          return;
        }
      }
      running.accept(status);
    }

    void attach(Consumer<Status> running) {
      Status missed;
      synchronized (this) {
        end = running;
        missed = early;
      }
      if (missed != null) {
        running.accept(missed);
      }
    }
  }

  private final Set<Handle> open = ConcurrentHashMap.newKeySet();

  void add(Handle handle) {
    open.add(handle);
  }

  void remove(Handle handle) {
    open.remove(handle);
  }

  public int size() {
    return open.size();
  }

  public void endAll(Status status) {
    open.forEach(handle -> handle.end(status));
  }

  /** Ends the calls that asked to be ended when there is no leader. */
  public void endThoseRequiringLeader(Status status) {
    for (Handle handle : open) {
      if (handle.requiresLeader) {
        handle.end(status);
      }
    }
  }
}
